/* Reset and traps of a RV32 core in machine mode. The C is built without Zicsr, whose name selects no library of the
 * compiler; the few instructions that need it ask for it. */
#include "halt.h"
#include "memory.h"

int main(void);
void reset_handler(void);
void trap_handler(void);
void start(void);
void trap_report(void);

__attribute__((naked, section(".reset"))) void reset_handler(void) {
    __asm__ volatile("la sp, stack_high\n"
                     "la t0, trap_handler\n"
                     ".option push\n.option arch, +zicsr\n"
                     "csrw mtvec, t0\n"
                     ".option pop\n"
                     "j start\n");
}

void start(void) {
    const uint32_t *sp;
    __asm__ volatile("mv %0, sp" : "=r"(sp));
    memory_init(sp);
    main();
}

void trap_report(void) {
    uint32_t cause, pc;
    __asm__ volatile(".option push\n.option arch, +zicsr\ncsrr %0, mcause\ncsrr %1, mepc\n.option pop"
                     : "=r"(cause), "=r"(pc));
    halt_fault(cause, pc);
}

/* No interrupt is ever enabled, so this is a fault; perhaps of a full stack: start a new one, and report from there. */
__attribute__((naked, aligned(4))) void trap_handler(void) {
    __asm__ volatile("la sp, stack_high\n"
                     "j trap_report\n");
}
