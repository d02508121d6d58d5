/* No UART: the emulator's stdin and stdout, through Arm semihosting. A whole frame costs one trap each way,
 * where an emulated UART costs several for each byte. */
#include "halt.h"
#include "port.h"

enum { SYS_OPEN = 0x01, SYS_WRITE = 0x05, SYS_READ = 0x06, MODE_READ = 0, MODE_WRITE = 4, CHUNK = 64 };

static uint32_t console_in, console_out;
static uint8_t in[CHUNK], out[CHUNK];
static uint32_t in_at, in_filled, out_filled;

static uint32_t semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

static uint32_t open_console(uint32_t mode) {
    static const char name[] = ":tt";
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)name, mode, sizeof name - 1};
    return semihosting(SYS_OPEN, arguments);
}

void port_init(void) {
    console_in = open_console(MODE_READ);
    console_out = open_console(MODE_WRITE);
}

uint8_t port_read(void) {
    while (in_at == in_filled) {
        const uint32_t arguments[3] = {console_in, (uint32_t)(uintptr_t)in, sizeof in};
        const uint32_t missing = semihosting(SYS_READ, arguments);
        if (missing >= sizeof in) {
            halt_quit(); /* nothing at all: the end of the input, or an error */
        }
        in_filled = sizeof in - missing;
        in_at = 0;
    }
    return in[in_at++];
}

void port_flush(void) {
    const uint32_t arguments[3] = {console_out, (uint32_t)(uintptr_t)out, out_filled};
    if (out_filled != 0) {
        semihosting(SYS_WRITE, arguments);
        out_filled = 0;
    }
}

void port_write(uint8_t byte) {
    out[out_filled++] = byte;
    if (out_filled == sizeof out) {
        port_flush();
    }
}
