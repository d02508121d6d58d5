/* The firmware as a program of this computer: its serial port is stdin and stdout. */
#include "port.h"

#include <stddef.h>
#include <unistd.h>

static uint8_t in[4096], out[4096];
static size_t in_at, in_filled, out_filled;

void port_init(void) {
}

void port_flush(void) {
    size_t done = 0;
    while (done < out_filled) {
        const ssize_t count = write(STDOUT_FILENO, out + done, out_filled - done);
        if (count <= 0) {
            _exit(1); /* nobody listens any more */
        }
        done += (size_t)count;
    }
    out_filled = 0;
}

void port_write(uint8_t byte) {
    if (out_filled == sizeof out) {
        port_flush();
    }
    out[out_filled++] = byte;
}

uint8_t port_read(void) {
    if (in_at == in_filled) {
        const ssize_t count = read(STDIN_FILENO, in, sizeof in);
        if (count <= 0) {
            port_quit(); /* end of input */
        }
        in_filled = (size_t)count;
        in_at = 0;
    }
    return in[in_at++];
}

bool port_stack(uint32_t *used, uint32_t *reserved) {
    (void)used;
    (void)reserved;
    return false;
}

bool port_can_quit(void) {
    return true;
}

void port_quit(void) {
    _exit(0);
}
