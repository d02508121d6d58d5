/* Reset and vectors of any Cortex-M. */
#include "board.h"
#include "halt.h"
#include "memory.h"

#include <stdbool.h>

int main(void);
void reset_handler(void);
void fault_handler(void);
void fault_report(const uint32_t *frame);

#define CPACR (*(volatile uint32_t *)0xE000ED88u)   /* coprocessor access, Armv7-M B3.2.20 */

void reset_handler(void) {
    const uint32_t *sp;
    if (BOARD_COPROCESSOR) {
        CPACR |= 0xFu << 20;
        __asm__ volatile("dsb\nisb" ::: "memory");
    }
    __asm__ volatile("mov %0, sp" : "=r"(sp));
    memory_init(sp);
    main();
}

void fault_report(const uint32_t *frame) {
    uint32_t exception;
    __asm__ volatile("mrs %0, ipsr" : "=r"(exception));
    const bool on_stack = frame >= stack_low && frame + 7 <= stack_high; /* else the stack overflowed */
    halt_fault(exception, on_stack ? frame[6] : 0);
}

/* A fault may come from a full stack: start a new one, and report from there. */
__attribute__((naked)) void fault_handler(void) {
    __asm__ volatile("mov r0, sp\n"
                     "ldr r1, =stack_high\n"
                     "mov sp, r1\n"
                     "bl fault_report\n"
                     "b .\n");
}

typedef void (*vector_t)(void);

/* The 16 exceptions of the core; no interrupt is ever enabled. */
__attribute__((section(".vectors"), used)) static const struct {
    uint32_t *stack;
    vector_t handlers[15];
} vectors = {
    stack_high,
    {reset_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, fault_handler, 0, 0,
     0, fault_handler, fault_handler, 0, fault_handler, fault_handler},
};
