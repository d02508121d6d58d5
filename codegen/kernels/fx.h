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

/* the same from 64 bits */
RTRL_INLINE int32_t fx_sat64(int64_t v, int32_t top)
{
    return v > top ? top : v < -top - 1 ? -top - 1 : (int32_t)v;
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

/* smallest right shift >= least that makes a block of words safe to multiply: every word <= peak_max and
 * the sum of their magnitudes <= l1_max, with half a word of rounding for each of them */
RTRL_INLINE int fx_block_shift(uint64_t l1, uint64_t peak, uint32_t terms, uint32_t l1_max, uint32_t peak_max, int least)
{
    int s = least;
    while ((peak >> s) + 1 > peak_max || (l1 >> s) + 1 + (terms + 1) / 2 > l1_max) {
        s++;
    }
    return s;
}

/* weight step of a gradient: g / 2^s to nearest, clipped to +-limit; s of any size, |g| < 2^30 */
RTRL_INLINE int32_t fx_step_size(int32_t g, int s, int32_t limit)
{
    if (s > 31) {
        return 0;
    }
    if (s >= 0) {
        int32_t v = fx_round_shift(g, s);
        return v > limit ? limit : v < -limit ? -limit : v;
    }
    int left = s < -31 ? 31 : -s;
    int32_t bound = limit >> left;
    return g > bound ? limit : g < -bound ? -limit : g * (int32_t)(1U << left);
}

/* tanh of a sum with 27 fraction bits, Q0.15: odd, linear between 257 points over [0, 8] */
RTRL_INLINE int16_t fx_tanh_q27(int64_t a)
{
    enum { EIGHT = 1073741824 }; /* check: 1073741824 == 8 * 2**27 */
    int32_t v = fx_sat64(a, EIGHT);
    int32_t size = v < -EIGHT ? EIGHT : fx_abs(v);
    int32_t at = size >> 22; /* 256 steps of 2^22: check: 256 * 2**22 == 8 * 2**27 */
    int32_t low = rtrl_tanh_table[at];
    int32_t high = rtrl_tanh_table[at < 256 ? at + 1 : 256];
    int32_t t = low + fx_round_shift((high - low) * ((size >> 7) & 0x7FFF), 15);
    return (int16_t)(v < 0 ? -t : t);
}

/* logistic function of a sum with 27 fraction bits, Q0.15: (1 + tanh(a / 2)) / 2 */
RTRL_INLINE int16_t fx_sigmoid_q27(int64_t a)
{
    int32_t s = (32768 + fx_tanh_q27(a >> 1) + 1) >> 1;
    return (int16_t)(s > 32767 ? 32767 : s);
}

/* derivatives from the implemented values, Q0.15: s (1 - s) of the logistic function, 1 - t^2 of tanh */
RTRL_INLINE int16_t fx_sigmoid_slope(int16_t s)
{
    return (int16_t)fx_round_shift(s * (32768 - s), 15);
}

RTRL_INLINE int16_t fx_tanh_slope(int16_t t)
{
    return (int16_t)fx_sat(32768 - fx_round_shift(t * t, 15), 32767);
}
