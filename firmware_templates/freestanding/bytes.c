#include <stdint.h>
#include <string.h>

static int whole_words(uintptr_t addresses_and_count) {
    return (addresses_and_count & 3) == 0;
}

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
    if (whole_words((uintptr_t)to | (uintptr_t)from | count)) {
        uint32_t *words = to;
        const uint32_t *source = from;
        for (size_t i = 0; i < count / 4; i++) {
            words[i] = source[i];
        }
    } else {
        uint8_t *bytes = to;
        const uint8_t *source = from;
        for (size_t i = 0; i < count; i++) {
            bytes[i] = source[i];
        }
    }
    return to;
}

void *memset(void *to, int value, size_t count) {
    if (whole_words((uintptr_t)to | count)) {
        uint32_t *words = to;
        for (size_t i = 0; i < count / 4; i++) {
            words[i] = 0x01010101u * (uint8_t)value;
        }
    } else {
        uint8_t *bytes = to;
        for (size_t i = 0; i < count; i++) {
            bytes[i] = (uint8_t)value;
        }
    }
    return to;
}
