/* Under an emulator: Arm semihosting ends it with an exit code. On a bare chip its breakpoint is a fault. */
#include "halt.h"

enum { SYS_WRITE0 = 0x04, SYS_EXIT_EXTENDED = 0x20, APPLICATION_EXIT = 0x20026 };

static void semihosting(uint32_t operation, const void *argument) {
    register uint32_t r0 __asm__("r0") = operation;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
}

static void leave(uint32_t code) {
    const uint32_t arguments[2] = {APPLICATION_EXIT, code};
    for (;;) {
        semihosting(SYS_EXIT_EXTENDED, arguments);
    }
}

static void hex(char *digits, uint32_t value) {
    for (uint32_t i = 0; i < 8; i++) {
        digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
    }
}

bool halt_possible(void) {
    return true;
}

void halt_quit(void) {
    leave(0);
}

void halt_fault(uint32_t exception, uint32_t pc) {
    static char text[] = "fault: exception 0x........ at pc 0x........\n";
    hex(text + 19, exception);
    hex(text + 36, pc);
    semihosting(SYS_WRITE0, text);
    leave(HALT_FAULT);
}
