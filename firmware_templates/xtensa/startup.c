/* From reset.S: the stack is there, RAM is not set yet. */
#include "memory.h"

int main(void);
void start(void);

void start(void) {
    const uint32_t *sp;
    __asm__ volatile("mov %0, a1" : "=r"(sp));
    memory_init(sp - 4); /* the 16 bytes below are where a register window is saved (ISA manual, 4.7.1) */
    main();
}
