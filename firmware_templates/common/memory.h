/* RAM after reset, and how much of the stack was ever used. */
#ifndef MEMORY_H
#define MEMORY_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* from board.ld */
extern uint32_t stack_low[], stack_high[], data_low[], data_high[], bss_low[], bss_high[];
extern const uint32_t data_flash[];

#define MEMORY_PAINT 0x5AFEC0DEu

/* Bytes of [low, high) of a section: the linker's labels are not arrays of known size. */
static inline size_t memory_span(const uint32_t *low, const uint32_t *high) {
    return (size_t)((uintptr_t)high - (uintptr_t)low);
}

/* Paint the stack below sp, then set the variables to their first values. Inline: a call would need the stack. */
static inline void memory_init(const uint32_t *sp) {
    for (volatile uint32_t *word = stack_low; word < sp; word++) {
        *word = MEMORY_PAINT;
    }
    memcpy(data_low, data_flash, memory_span(data_low, data_high));
    memset(bss_low, 0, memory_span(bss_low, bss_high));
}

#endif
