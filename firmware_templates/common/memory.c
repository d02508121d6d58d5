#include "memory.h"

#include "halt.h"
#include "port.h"

bool port_stack(uint32_t *used, uint32_t *reserved) {
    const volatile uint32_t *word = stack_low;
    while (word < stack_high && *word == MEMORY_PAINT) {
        word++;
    }
    *used = (uint32_t)memory_span((const uint32_t *)(uintptr_t)word, stack_high);
    *reserved = (uint32_t)memory_span(stack_low, stack_high);
    return true;
}

bool port_can_quit(void) {
    return halt_possible();
}

void port_quit(void) {
    halt_quit();
}
