/* Under an emulator: a fault says where it was and ends it with an exit code. */
#include "halt.h"
#include "semihosting.h"

static void hex(char *digits, uint32_t value) {
    for (uint32_t i = 0; i < 8; i++) {
        digits[i] = "0123456789abcdef"[(value >> (28 - 4 * i)) & 15];
    }
}

bool halt_possible(void) {
    return true;
}

void halt_quit(void) {
    semihosting_exit(0);
}

void halt_fault(uint32_t exception, uint32_t pc) {
    static char text[] = "fault: exception 0x........ at pc 0x........\n";
    hex(text + 19, exception);
    hex(text + 36, pc);
    semihosting_say(text);
    semihosting_exit(HALT_FAULT);
}
