/* On a board: it runs until it is reset. A fault stops it with the reason where a debugger finds it. */
#include "halt.h"

volatile uint32_t halt_exception, halt_pc;

bool halt_possible(void) {
    return false;
}

void halt_quit(void) {
}

void halt_fault(uint32_t exception, uint32_t pc) {
    halt_exception = exception;
    halt_pc = pc;
    for (;;) {
    }
}
