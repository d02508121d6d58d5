/* Helpers of the compiler for products, shifts and quotients, in 32-bit words: the library that comes with the compiler
 * lacks most of them for this core (those of the ESP8266 are in its ROM), or has them for another calling convention. */
#include <stdint.h>

typedef union words {
    uint64_t whole;
    struct {
        uint32_t low, high;
    } half; /* little-endian */
} words_t;

uint64_t __muldi3(uint64_t a, uint64_t b);
uint64_t __ashldi3(uint64_t value, int count);
uint64_t __lshrdi3(uint64_t value, int count);
int64_t __ashrdi3(int64_t value, int count);
uint32_t __udivsi3(uint32_t a, uint32_t b);
uint32_t __umodsi3(uint32_t a, uint32_t b);
int32_t __divsi3(int32_t a, int32_t b);
int32_t __modsi3(int32_t a, int32_t b);
uint64_t __udivdi3(uint64_t a, uint64_t b);
uint64_t __umoddi3(uint64_t a, uint64_t b);
int64_t __divdi3(int64_t a, int64_t b);
int64_t __moddi3(int64_t a, int64_t b);

/* The full product of two words from four products of half words; the middle sum is
 * three half words at most: 3 (2^16 - 1) < 2^18. */
static words_t product(uint32_t a, uint32_t b) {
    const uint32_t a_low = a & 0xFFFF, a_high = a >> 16, b_low = b & 0xFFFF, b_high = b >> 16;
    const uint32_t low = a_low * b_low, cross_1 = a_high * b_low, cross_2 = a_low * b_high;
    const uint32_t middle = (low >> 16) + (cross_1 & 0xFFFF) + (cross_2 & 0xFFFF);
    words_t result;
    result.half.low = (low & 0xFFFF) | (middle << 16);
    result.half.high = a_high * b_high + (cross_1 >> 16) + (cross_2 >> 16) + (middle >> 16);
    return result;
}

uint64_t __muldi3(uint64_t a, uint64_t b) {
    const words_t x = {a}, y = {b};
    words_t result = product(x.half.low, y.half.low);
    result.half.high += x.half.low * y.half.high + x.half.high * y.half.low;
    return result.whole;
}

uint64_t __ashldi3(uint64_t value, int count) {
    words_t v = {value};
    if (count >= 32) {
        v.half.high = v.half.low << (count - 32);
        v.half.low = 0;
    } else if (count > 0) {
        v.half.high = (v.half.high << count) | (v.half.low >> (32 - count));
        v.half.low <<= count;
    }
    return v.whole;
}

uint64_t __lshrdi3(uint64_t value, int count) {
    words_t v = {value};
    if (count >= 32) {
        v.half.low = v.half.high >> (count - 32);
        v.half.high = 0;
    } else if (count > 0) {
        v.half.low = (v.half.low >> count) | (v.half.high << (32 - count));
        v.half.high >>= count;
    }
    return v.whole;
}

int64_t __ashrdi3(int64_t value, int count) {
    words_t v = {(uint64_t)value};
    const int32_t high = (int32_t)v.half.high;
    if (count >= 32) {
        v.half.low = (uint32_t)(high >> (count - 32));
        v.half.high = (uint32_t)(high >> 31);
    } else if (count > 0) {
        v.half.low = (v.half.low >> count) | (v.half.high << (32 - count));
        v.half.high = (uint32_t)(high >> count);
    }
    return (int64_t)v.whole;
}

/* Schoolbook division, a bit at a time: quotient, and what is left over. b is not 0. */
static uint32_t divide(uint32_t a, uint32_t b, uint32_t *left) {
    uint32_t quotient = 0, rest = 0;
    for (int bit = 31; bit >= 0; bit--) {
        const uint32_t carry = rest >> 31;
        rest = (rest << 1) | ((a >> bit) & 1);
        if (carry || rest >= b) {
            rest -= b;
            quotient |= (uint32_t)1 << bit;
        }
    }
    *left = rest;
    return quotient;
}

static uint64_t divide_long(uint64_t a, uint64_t b, uint64_t *left) {
    uint64_t quotient = 0, rest = 0;
    for (int bit = 63; bit >= 0; bit--) {
        const uint64_t carry = rest >> 63;
        rest = (rest << 1) | ((a >> bit) & 1);
        if (carry || rest >= b) {
            rest -= b;
            quotient |= (uint64_t)1 << bit;
        }
    }
    *left = rest;
    return quotient;
}

static uint32_t size(int32_t value) {
    return value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
}

static uint64_t size_long(int64_t value) {
    return value < 0 ? 0u - (uint64_t)value : (uint64_t)value;
}

uint32_t __udivsi3(uint32_t a, uint32_t b) {
    uint32_t left;
    return divide(a, b, &left);
}

uint32_t __umodsi3(uint32_t a, uint32_t b) {
    uint32_t left;
    divide(a, b, &left);
    return left;
}

int32_t __divsi3(int32_t a, int32_t b) {
    const uint32_t quotient = __udivsi3(size(a), size(b));
    return (int32_t)((a < 0) != (b < 0) ? 0u - quotient : quotient);
}

int32_t __modsi3(int32_t a, int32_t b) {
    const uint32_t left = __umodsi3(size(a), size(b));
    return (int32_t)(a < 0 ? 0u - left : left);
}

uint64_t __udivdi3(uint64_t a, uint64_t b) {
    uint64_t left;
    return divide_long(a, b, &left);
}

uint64_t __umoddi3(uint64_t a, uint64_t b) {
    uint64_t left;
    divide_long(a, b, &left);
    return left;
}

int64_t __divdi3(int64_t a, int64_t b) {
    const uint64_t quotient = __udivdi3(size_long(a), size_long(b));
    return (int64_t)((a < 0) != (b < 0) ? 0u - quotient : quotient);
}

int64_t __moddi3(int64_t a, int64_t b) {
    const uint64_t left = __umoddi3(size_long(a), size_long(b));
    return (int64_t)(a < 0 ? 0u - left : left);
}
