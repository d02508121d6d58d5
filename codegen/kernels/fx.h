/* fx.h - the fixed-point words that are right for every argument in the range they state. Same names and
 * meaning as rtrl_edge/fixed/words.py, which is the specification. Right shifts of negative values must be arithmetic, as on every compiler for our targets. */
_Static_assert((-1 >> 1) == -1, "this compiler shifts negative numbers logically: the kernels cannot be built with it");

/* exact for any weights: 2^33 products fit */
RTRL_INLINE int64_t fx_mac64(int64_t acc, int32_t a, int32_t b)
{
    return acc + a * b;
}

/* clamp to [-top - 1, top] */
RTRL_INLINE int32_t fx_sat(int32_t v, int32_t top)
{
    return v > top ? top : v < -top - 1 ? -top - 1 : v;
}

/* clamp 64 bits to 32 */
RTRL_INLINE int32_t fx_sat32(int64_t v)
{
    int32_t low = (int32_t)v, high = (int32_t)(v >> 32);
    return high == low >> 31 ? low : INT32_MAX ^ (high >> 31);
}

/* clamp 64 bits to [-top - 1, top] */
RTRL_INLINE int32_t fx_sat64(int64_t v, int32_t top)
{
    return fx_sat(fx_sat32(v), top);
}

/* v / of, which is 0..parts - 1, by comparisons: Cortex-M0 and lx106 divide by calls alone */
RTRL_INLINE int fx_part(int v, int of, const int parts)
{
    int found = 0;
#pragma GCC unroll 4
    for (int k = 1; k < parts; k++) {
        found += v >= k * of;
    }
    return found;
}

/* v / 2^s, to nearest, halves up; s in 0..31 */
RTRL_INLINE int32_t fx_round_shift(int32_t v, int s)
{
    return s == 0 ? v : ((v >> (s - 1)) + 1) >> 1;
}

/* the same for 64 bits; s in 0..63 */
RTRL_INLINE int64_t fx_round_shift64(int64_t v, int s)
{
    return s == 0 ? v : ((v >> (s - 1)) + 1) >> 1;
}

/* v or -v - 1: as many bits as v has */
RTRL_INLINE uint32_t fx_magnitude(int32_t v)
{
    return (uint32_t)(v ^ (v >> 31));
}

RTRL_INLINE int32_t fx_abs(int32_t v)
{
    return v < 0 ? -v : v;
}

/* position of the highest set bit, v > 0 */
RTRL_INLINE int fx_floor_log2(uint32_t v)
{
    return 31 - __builtin_clz(v);
}

/* eight times log2 of v >= 0: exact at powers of two, between them the next three bits of v; -4096 for 0 */
RTRL_INLINE int fx_log2_q3(int64_t v)
{
    if (v == 0) {
        return -4096;
    }
    uint32_t high = (uint32_t)((uint64_t)v >> 32);
    int position = high ? 32 + fx_floor_log2(high) : fx_floor_log2((uint32_t)v);
    int64_t three = position >= 3 ? v >> (position - 3) : v * (1 << (3 - position));
    return 8 * position + (int)(three & 7);
}

/* square root of v >= 0, rounded down; v < 2^62 */
RTRL_INLINE int64_t fx_sqrt64(int64_t v)
{
    int64_t root = 0;
    for (int64_t bit = (int64_t)1 << 30; bit != 0; bit >>= 1) {
        if ((root + bit) * (root + bit) <= v) {
            root += bit;
        }
    }
    return root;
}

/* next word of a random generator: xorshift32 (13, 17, 5), never 0 */
RTRL_INLINE uint32_t fx_random_next(uint32_t x)
{
    x ^= x << 13;
    x ^= x >> 17;
    return x ^ (x << 5);
}

/* its first word: the seed through a finaliser, so that near seeds give unlike streams */
RTRL_INLINE uint32_t fx_random_seed(uint32_t x)
{
    x = (x ^ (x >> 16)) * 0x85EBCA6BU;
    x = (x ^ (x >> 13)) * 0xC2B2AE35U;
    x ^= x >> 16;
    return x ? x : 1;
}

/* how many bits v has: 0 of 0 */
RTRL_INLINE int fx_bits64(uint64_t v)
{
    uint32_t high = (uint32_t)(v >> 32), low = (uint32_t)v;
    return high ? 33 + fx_floor_log2(high) : low ? 1 + fx_floor_log2(low) : 0;
}

/* smallest right shift >= least that makes a block of words safe to multiply: every word <= peak_max and
 * the sum of their magnitudes <= l1_max, with half a word of rounding for each of them */
RTRL_INLINE int fx_block_shift(uint64_t l1, uint64_t peak, uint32_t terms, uint32_t l1_max, uint32_t peak_max, int least)
{
    int s = fx_bits64(l1) - fx_bits64(l1_max); /* less leaves l1 more bits than l1_max has */
    s = s > least ? s : least;
    while ((peak >> s) + 1 > peak_max || (l1 >> s) + 1 + (terms + 1) / 2 > l1_max) {
        s++;
    }
    return s;
}

/* weight step of a gradient: g / 2^s to nearest, clipped to +-limit; s of any size, |g| < 2^30 */
RTRL_INLINE int32_t fx_step_size(int32_t g, int s, int32_t limit)
{
    if (s > 0 && s <= 31) {
        int32_t v = fx_round_shift(g, s);
        if ((uint32_t)v + (uint32_t)limit <= 2U * (uint32_t)limit) { /* nearly always, and one comparison */
            return v;
        }
        return v < 0 ? -limit : limit;
    }
    if (s > 31) {
        return 0;
    }
    int left = s < -31 ? 31 : -s;
    int32_t bound = limit >> left;
    return g > bound ? limit : g < -bound ? -limit : g * (int32_t)(1U << left);
}
