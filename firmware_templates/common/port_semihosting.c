/* No UART: the emulator's stdin and stdout, through semihosting. A whole frame costs one trap each way,
 * where an emulated UART costs several for each byte. */
#include "halt.h"
#include "port.h"
#include "semihosting.h"

enum { CHUNK = 64 };

static uint8_t in[CHUNK], out[CHUNK];
static uint32_t in_at, in_filled, out_filled;

void port_init(void) {
    semihosting_open();
}

uint8_t port_read(void) {
    while (in_at == in_filled) {
        in_filled = semihosting_read(in, sizeof in);
        in_at = 0;
        if (in_filled == 0) {
            halt_quit(); /* the end of the input, or an error */
        }
    }
    return in[in_at++];
}

void port_flush(void) {
    if (out_filled != 0) {
        semihosting_write(out, out_filled);
        out_filled = 0;
    }
}

void port_write(uint8_t byte) {
    out[out_filled++] = byte;
    if (out_filled == sizeof out) {
        port_flush();
    }
}
