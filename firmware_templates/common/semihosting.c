/* Semihosting as Arm defined it and RISC-V took it over; the trap itself is in semihosting_call.h. */
#include "semihosting.h"

#include "semihosting_call.h"

enum {
    SYS_OPEN = 0x01, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_READ = 0x06, SYS_EXIT_EXTENDED = 0x20,
    MODE_READ = 0, MODE_WRITE = 4, APPLICATION_EXIT = 0x20026
};

static uint32_t console_in, console_out;

static uint32_t open_console(uint32_t mode) {
    static const char name[] = ":tt";
    const uint32_t arguments[3] = {(uint32_t)(uintptr_t)name, mode, sizeof name - 1};
    return semihosting_call(SYS_OPEN, arguments);
}

void semihosting_open(void) {
    console_in = open_console(MODE_READ);
    console_out = open_console(MODE_WRITE);
}

uint32_t semihosting_read(uint8_t *bytes, uint32_t size) {
    const uint32_t arguments[3] = {console_in, (uint32_t)(uintptr_t)bytes, size};
    const uint32_t missing = semihosting_call(SYS_READ, arguments);
    return missing < size ? size - missing : 0;
}

void semihosting_write(const uint8_t *bytes, uint32_t count) {
    const uint32_t arguments[3] = {console_out, (uint32_t)(uintptr_t)bytes, count};
    semihosting_call(SYS_WRITE, arguments);
}

void semihosting_say(const char *text) {
    semihosting_call(SYS_WRITE0, text);
}

void semihosting_exit(uint32_t code) {
    const uint32_t arguments[2] = {APPLICATION_EXIT, code};
    for (;;) {
        semihosting_call(SYS_EXIT_EXTENDED, arguments);
    }
}
