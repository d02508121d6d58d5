/* dsp.h - words of the Arm DSP extension (Cortex-M4, M7, M33), where a register holds two int16. On other machines the
 * same words are C, so that every kernel made of them can be tested there.
 * SMLAD multiplies two pairs and adds both products. It wraps, so the order of additions is free: a sum that fits at
 * the end, by its L1 norm, has the same bits as in plain C. */
typedef struct {
    uint32_t first;
    uint32_t second;
} dsp_pairs; /* four words as two pairs */

#ifdef __ARM_FEATURE_DSP
#include <arm_acle.h>

typedef uint64_t __attribute__((may_alias, aligned(4))) dsp_eight; /* eight bytes, whatever they are in C */

/* acc + low a * low b + high a * high b */
RTRL_INLINE int32_t dsp_mac(int32_t acc, uint32_t a, uint32_t b)
{
    return __smlad((int16x2_t)a, (int16x2_t)b, acc);
}

RTRL_INLINE int64_t dsp_mac64(int64_t acc, uint32_t a, uint32_t b)
{
    return __smlald((int16x2_t)a, (int16x2_t)b, acc);
}

/* bytes 0 and 2 as a pair of words; bytes 1 and 3 */
RTRL_INLINE uint32_t dsp_even(uint32_t bytes)
{
    return (uint32_t)__sxtb16((int8x4_t)bytes);
}

RTRL_INLINE uint32_t dsp_odd(uint32_t bytes)
{
    uint32_t pair;
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(pair) : "r"(bytes));
    return pair;
}

/* a b / 2^32, to nearest, halves up: fx_round_shift(a, s) if b is 2^(32 - s), s in 2..31 */
RTRL_INLINE int32_t dsp_mul_high(int32_t a, int32_t b)
{
    int32_t high;
    __asm__("smmulr %0, %1, %2" : "=r"(high) : "r"(a), "r"(b));
    return high;
}

/* v / 2^s, to nearest, halves up; s in 0..31: fx_round_shift without a branch, by the last bit that is shifted out */
RTRL_INLINE int32_t dsp_round_shift(int32_t v, int s)
{
    int32_t rounded;
    __asm__("adds %0, %1, #0\n\tasrs %0, %0, %2\n\tadc %0, %0, #0" : "=&r"(rounded) : "r"(v), "r"(s) : "cc");
    return rounded;
}

/* the low halves of two words: low, high */
RTRL_INLINE uint32_t dsp_pack(int32_t low, int32_t high)
{
    uint32_t pair;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(pair) : "r"(low), "r"(high));
    return pair;
}

/* two words at a multiple of 4, LDRD and STRD */
RTRL_INLINE dsp_pairs dsp_load_two(const int32_t *at)
{
    dsp_pairs two;
    __asm__("ldrd %0, %1, %2" : "=r"(two.first), "=r"(two.second) : "m"(*(const dsp_eight *)(const void *)at));
    return two;
}

RTRL_INLINE void dsp_store_two(void *at, uint32_t first, uint32_t second)
{
    __asm__("strd %1, %2, %0" : "=m"(*(dsp_eight *)at) : "r"(first), "r"(second));
}

/* high word of a pair times the low word of b; and times its high word */
RTRL_INLINE int32_t dsp_mul_tb(uint32_t pair, int32_t b)
{
    int32_t product;
    __asm__("smultb %0, %1, %2" : "=r"(product) : "r"(pair), "r"(b));
    return product;
}

RTRL_INLINE int32_t dsp_mul_tt(uint32_t a, uint32_t b)
{
    int32_t product;
    __asm__("smultt %0, %1, %2" : "=r"(product) : "r"(a), "r"(b));
    return product;
}

/* acc + a b / 2^32, the product rounded as in dsp_mul_high */
RTRL_INLINE int32_t dsp_mac_high(int32_t acc, int32_t a, int32_t b)
{
    int32_t sum;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(sum) : "r"(a), "r"(b), "r"(acc));
    return sum;
}

/* the high words of two pairs */
RTRL_INLINE uint32_t dsp_pack_high(uint32_t low, uint32_t high)
{
    uint32_t pair;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(pair) : "r"(high), "r"(low));
    return pair;
}

/* v, saturated to a word of J */
RTRL_INLINE int32_t dsp_sat(int32_t v)
{
    int32_t word;
    __asm__("ssat %0, %1, %2" : "=r"(word) : "i"(J_BITS), "r"(v)); /* gcc's own __ssat takes it for unsigned */
    return word;
}

/* v, saturated to 31 bits: with 27 of them behind the point, to +-8 */
RTRL_INLINE int32_t dsp_sat_31(int32_t v)
{
    int32_t word;
    __asm__("ssat %0, #31, %1" : "=r"(word) : "r"(v));
    return word;
}

/* v, held to 0..31 */
RTRL_INLINE int dsp_sat_5(int v)
{
    int held;
    __asm__("usat %0, #5, %1" : "=r"(held) : "r"(v));
    return held;
}

RTRL_INLINE int16_t dsp_sat_16(int32_t v)
{
    int32_t word;
    __asm__("ssat %0, #16, %1" : "=r"(word) : "r"(v));
    return (int16_t)word;
}

/* a + b, saturated to 32 bits */
RTRL_INLINE int32_t dsp_add_sat(int32_t a, int32_t b)
{
    int32_t sum;
    __asm__("qadd %0, %1, %2" : "=r"(sum) : "r"(a), "r"(b));
    return sum;
}

/* sum + (low a_low >> 16) + (high a_high >> 16) for a = -|pair|, word by word: SEL takes a word where SSUB16 found it <= 0 */
RTRL_INLINE int32_t dsp_size(int32_t sum, uint32_t pair, int32_t low, int32_t high)
{
    uint32_t a;
    __asm__("ssub16 %0, %1, %2\n\tsel %0, %2, %0" : "=&r"(a) : "r"(0), "r"(pair) : "cc");
    return __smlawt(high, (int32_t)a, __smlawb(low, (int32_t)a, sum));
}

/* low, high: each saturated to [-32767, 32767], as a pair (QSUB16 takes -32768 for -32767) */
RTRL_INLINE uint32_t dsp_sat_pair(int32_t low, int32_t high)
{
    uint32_t pair;
    __asm__("ssat %1, #16, %1\n\tssat %2, #16, %2\n\tpkhbt %0, %1, %2, lsl #16"
            : "=r"(pair), "+r"(low), "+r"(high));
    return (uint32_t)__sadd16(__qsub16((int16x2_t)pair, 0x10001), 0x10001);
}

/* v v / 2^32, rounded down */
RTRL_INLINE uint32_t dsp_square(int32_t v)
{
    uint32_t high;
    __asm__("smmul %0, %1, %1" : "=r"(high) : "r"(v));
    return high;
}

/* 1 or -1, the sign of v; of 0, 1 */
RTRL_INLINE int32_t dsp_sign(int32_t v)
{
    int32_t sign;
    __asm__("orr %0, %1, %2, asr #31" : "=r"(sign) : "r"(1), "r"(v));
    return sign;
}

/* sum + |v|; volatile, or gcc computes many of v before the first is added, and has no registers for them */
RTRL_INLINE uint64_t dsp_add_size(uint64_t sum, int32_t v)
{
    __asm__ volatile("smlal %Q0, %R0, %1, %2" : "+r"(sum) : "r"(v), "r"(dsp_sign(v)));
    return sum;
}

/* a - b, saturated to 32 bits */
RTRL_INLINE int32_t dsp_sub_sat(int32_t a, int32_t b)
{
    int32_t rest;
    __asm__("qsub %0, %1, %2" : "=r"(rest) : "r"(a), "r"(b));
    return rest;
}
#else
RTRL_INLINE int32_t dsp_mac(int32_t acc, uint32_t a, uint32_t b)
{
    uint32_t low = (uint32_t)((int16_t)a * (int16_t)b), high = (uint32_t)((int16_t)(a >> 16) * (int16_t)(b >> 16));
    return (int32_t)((uint32_t)acc + low + high);
}

RTRL_INLINE int64_t dsp_mac64(int64_t acc, uint32_t a, uint32_t b)
{
    return acc + (int64_t)((int16_t)a * (int16_t)b) + (int64_t)((int16_t)(a >> 16) * (int16_t)(b >> 16));
}

RTRL_INLINE uint32_t dsp_even(uint32_t bytes)
{
    return (uint16_t)(int8_t)bytes | (uint32_t)(uint16_t)(int8_t)(bytes >> 16) << 16;
}

RTRL_INLINE uint32_t dsp_odd(uint32_t bytes)
{
    return dsp_even(bytes >> 8);
}

RTRL_INLINE int32_t dsp_mul_high(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + INT32_MAX + 1) >> 32);
}

RTRL_INLINE int32_t dsp_round_shift(int32_t v, int s)
{
    return fx_round_shift(v, s);
}

RTRL_INLINE uint32_t dsp_pack(int32_t low, int32_t high)
{
    return (uint16_t)low | (uint32_t)high << 16;
}

RTRL_INLINE dsp_pairs dsp_load_two(const int32_t *at)
{
    return (dsp_pairs){ (uint32_t)at[0], (uint32_t)at[1] };
}

RTRL_INLINE void dsp_store_two(void *at, uint32_t first, uint32_t second)
{
    const uint32_t two[2] = { first, second };
    memcpy(at, two, sizeof two);
}

RTRL_INLINE int32_t dsp_mul_tb(uint32_t pair, int32_t b)
{
    return ((int32_t)pair >> 16) * (int16_t)b;
}

RTRL_INLINE int32_t dsp_mul_tt(uint32_t a, uint32_t b)
{
    return ((int32_t)a >> 16) * ((int32_t)b >> 16);
}

RTRL_INLINE int32_t dsp_mac_high(int32_t acc, int32_t a, int32_t b)
{
    return acc + dsp_mul_high(a, b);
}

RTRL_INLINE uint32_t dsp_pack_high(uint32_t low, uint32_t high)
{
    return low >> 16 | (high & 0xFFFF0000U);
}

RTRL_INLINE int32_t dsp_sat(int32_t v)
{
    return fx_sat(v, J_MAX);
}

RTRL_INLINE int32_t dsp_sat_31(int32_t v)
{
    return fx_sat(v, INT32_MAX >> 1);
}

RTRL_INLINE int dsp_sat_5(int v)
{
    return v < 0 ? 0 : v > 31 ? 31 : v;
}

RTRL_INLINE int16_t dsp_sat_16(int32_t v)
{
    return (int16_t)fx_sat(v, 32767);
}

RTRL_INLINE int32_t dsp_add_sat(int32_t a, int32_t b)
{
    return fx_sat32((int64_t)a + b);
}

RTRL_INLINE int32_t dsp_size(int32_t sum, uint32_t pair, int32_t low, int32_t high)
{
    int32_t a = -fx_abs((int16_t)pair), b = -fx_abs((int16_t)(pair >> 16));
    return sum + (int32_t)(((int64_t)low * a) >> 16) + (int32_t)(((int64_t)high * b) >> 16);
}

RTRL_INLINE uint32_t dsp_sat_pair(int32_t low, int32_t high)
{
    int32_t a = fx_sat(low, 32767), b = fx_sat(high, 32767);
    return (uint16_t)(a < -32767 ? -32767 : a) | (uint32_t)(uint16_t)(b < -32767 ? -32767 : b) << 16;
}

RTRL_INLINE uint32_t dsp_square(int32_t v)
{
    return (uint32_t)(((int64_t)v * v) >> 32);
}

RTRL_INLINE int32_t dsp_sign(int32_t v)
{
    return v < 0 ? -1 : 1;
}

RTRL_INLINE uint64_t dsp_add_size(uint64_t sum, int32_t v)
{
    return sum + (uint64_t)((int64_t)v * dsp_sign(v));
}

RTRL_INLINE int32_t dsp_sub_sat(int32_t a, int32_t b)
{
    return fx_sat32((int64_t)a - b);
}
#endif

/* |v| by two instructions without a comparison, v > -2^31 */
RTRL_INLINE uint32_t dsp_abs(int32_t v)
{
    int32_t sign = v >> 31;
    return (uint32_t)((v ^ sign) - sign);
}

typedef struct {
    int32_t a;
    int32_t b;
    int32_t c;
    int32_t d;
} dsp_sums; /* of four rows */

/* two words, at any address: LDR may */
RTRL_INLINE uint32_t dsp_pair(const int16_t *at)
{
    uint32_t pair;
    memcpy(&pair, at, sizeof pair);
    return pair;
}

/* four words; `aligned`: they begin at a multiple of 4, and LDRD may. gcc 12 never takes it for these cores itself */
RTRL_INLINE dsp_pairs dsp_four(const int16_t *at, bool aligned)
{
#ifdef __ARM_FEATURE_DSP
    if (aligned) {
        dsp_pairs four;
        __asm__("ldrd %0, %1, %2" : "=r"(four.first), "=r"(four.second) : "m"(*(const dsp_eight *)(const void *)at));
        return four;
    }
#endif
    (void)aligned;
    return (dsp_pairs){ dsp_pair(at), dsp_pair(at + 2) };
}

/* four bytes as words, crossed: 0 and 2, then 1 and 3, as SXTB16 gives them */
RTRL_INLINE dsp_pairs dsp_bytes(const int8_t *at)
{
    uint32_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    return (dsp_pairs){ dsp_even(bytes), dsp_odd(bytes) };
}

/* four words, crossed in the same way */
RTRL_INLINE dsp_pairs dsp_crossed(const int16_t *at)
{
    uint32_t low = dsp_pair(at), high = dsp_pair(at + 2);
    return (dsp_pairs){ (low & 0xFFFFU) | high << 16, low >> 16 | (high & 0xFFFF0000U) };
}

RTRL_INLINE int32_t dsp_mac4(int32_t acc, dsp_pairs a, dsp_pairs b)
{
    return dsp_mac(dsp_mac(acc, a.first, b.first), a.second, b.second);
}

/* The products below take constants for count, apart, aligned and size: the compiler unrolls them by that. */

/* sum of a[i] v[i] */
RTRL_INLINE int32_t dsp_dot(const int16_t *a, const int16_t *v, int count)
{
    int pairs = count / 2 * 2;
    int32_t sum = 0;
#pragma GCC unroll 8
    for (int i = 0; i < pairs; i += 2) {
        sum = dsp_mac(sum, dsp_pair(&a[i]), dsp_pair(&v[i]));
    }
    return pairs < count ? fx_mac(sum, a[pairs], v[pairs]) : sum;
}

/* acc[0..3] = four rows a, `apart` words from each other, times v: each entry of v is loaded once for them
 * `aligned`: every row begins at a multiple of 4 */
RTRL_INLINE void dsp_rows(int32_t *acc, const int16_t *a, int apart, const int16_t *v, int count, bool aligned)
{
    const int16_t *b = a + apart, *c = b + apart, *d = c + apart;
    int32_t a_sum = 0, b_sum = 0, c_sum = 0, d_sum = 0;
    int i = 0;
#pragma GCC unroll 4
    for (; i + 4 <= count; i += 4) {
        dsp_pairs four = dsp_four(&v[i], false);
        a_sum = dsp_mac4(a_sum, dsp_four(&a[i], aligned), four);
        b_sum = dsp_mac4(b_sum, dsp_four(&b[i], aligned), four);
        c_sum = dsp_mac4(c_sum, dsp_four(&c[i], aligned), four);
        d_sum = dsp_mac4(d_sum, dsp_four(&d[i], aligned), four);
    }
    if (count % 4 >= 2) {
        uint32_t pair = dsp_pair(&v[i]);
        a_sum = dsp_mac(a_sum, dsp_pair(&a[i]), pair);
        b_sum = dsp_mac(b_sum, dsp_pair(&b[i]), pair);
        c_sum = dsp_mac(c_sum, dsp_pair(&c[i]), pair);
        d_sum = dsp_mac(d_sum, dsp_pair(&d[i]), pair);
        i += 2;
    }
    if (count % 2) {
        a_sum = fx_mac(a_sum, a[i], v[i]);
        b_sum = fx_mac(b_sum, b[i], v[i]);
        c_sum = fx_mac(c_sum, c[i], v[i]);
        d_sum = fx_mac(d_sum, d[i], v[i]);
    }
    acc[0] = a_sum;
    acc[1] = b_sum;
    acc[2] = c_sum;
    acc[3] = d_sum;
}

/* sum + four rows times v, both at multiples of 4. The rows are woven together: two words of each, then the next two.
 * 16 products are 11 instructions; LDM wants its registers in order, so they have names */
RTRL_INLINE dsp_sums dsp_woven(dsp_sums sum, const int16_t *rows, const int16_t *v, int count)
{
#pragma GCC unroll 4
    for (int i = 0; i < count / 4; i++) {
#ifdef __ARM_FEATURE_DSP
        __asm__("ldm %4!, {r4, r5, r6, r8}\n\t"
                "ldm %5!, {r10, r12}\n\t"
                "smlad %0, r4, r10, %0\n\t"
                "smlad %1, r5, r10, %1\n\t"
                "smlad %2, r6, r10, %2\n\t"
                "smlad %3, r8, r10, %3\n\t"
                "ldm %4!, {r4, r5, r6, r8}\n\t"
                "smlad %0, r4, r12, %0\n\t"
                "smlad %1, r5, r12, %1\n\t"
                "smlad %2, r6, r12, %2\n\t"
                "smlad %3, r8, r12, %3"
                : "+r"(sum.a), "+r"(sum.b), "+r"(sum.c), "+r"(sum.d), "+r"(rows), "+r"(v)
                :
                : "r4", "r5", "r6", "r8", "r10", "r12", "memory");
#else
        for (int pair = 0; pair < 2; pair++, rows += 8, v += 2) {
            uint32_t two = dsp_pair(v);
            sum.a = dsp_mac(sum.a, dsp_pair(rows), two);
            sum.b = dsp_mac(sum.b, dsp_pair(rows + 2), two);
            sum.c = dsp_mac(sum.c, dsp_pair(rows + 4), two);
            sum.d = dsp_mac(sum.d, dsp_pair(rows + 6), two);
        }
#endif
    }
    if (count % 4) {
        uint32_t two = dsp_pair(v);
        sum.a = dsp_mac(sum.a, dsp_pair(rows), two);
        sum.b = dsp_mac(sum.b, dsp_pair(rows + 2), two);
        sum.c = dsp_mac(sum.c, dsp_pair(rows + 4), two);
        sum.d = dsp_mac(sum.d, dsp_pair(rows + 6), two);
    }
    return sum;
}

/* sum of a[i] v[i], both at multiples of 4: eight products by six instructions */
RTRL_INLINE int32_t dsp_line(const int16_t *a, const int16_t *v, int count)
{
    int32_t sum = 0;
#pragma GCC unroll 4
    for (int i = 0; i < count / 8; i++) {
#ifdef __ARM_FEATURE_DSP
        __asm__("ldm %1!, {r4, r5, r6, r8}\n\t"
                "ldm %2!, {r9, r10, r12, lr}\n\t"
                "smlad %0, r4, r9, %0\n\t"
                "smlad %0, r5, r10, %0\n\t"
                "smlad %0, r6, r12, %0\n\t"
                "smlad %0, r8, lr, %0"
                : "+r"(sum), "+r"(a), "+r"(v)
                :
                : "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "memory");
#else
        for (int pair = 0; pair < 4; pair++, a += 2, v += 2) {
            sum = dsp_mac(sum, dsp_pair(a), dsp_pair(v));
        }
#endif
    }
    for (int i = 0; i < count % 8 / 2; i++) {
        sum = dsp_mac(sum, dsp_pair(&a[2 * i]), dsp_pair(&v[2 * i]));
    }
    return sum;
}

/* words of one or two bytes: one of them, and four crossed */
RTRL_INLINE int32_t dsp_word(const void *v, int i, size_t size)
{
    return size == 1 ? ((const int8_t *)v)[i] : ((const int16_t *)v)[i];
}

RTRL_INLINE dsp_pairs dsp_words(const void *v, int i, size_t size)
{
    return size == 1 ? dsp_bytes((const int8_t *)v + i) : dsp_crossed((const int16_t *)v + i);
}

/* sum of a[i] v[i], words of any size */
RTRL_INLINE int32_t dsp_byte_dot(const void *a, size_t a_size, const void *v, size_t v_size, int count)
{
    int32_t sum = 0;
    int fours = count / 4 * 4;
#pragma GCC unroll 4
    for (int i = 0; i < fours; i += 4) {
        sum = dsp_mac4(sum, dsp_words(a, i, a_size), dsp_words(v, i, v_size));
    }
    for (int i = fours; i < count; i++) {
        sum = fx_mac(sum, dsp_word(a, i, a_size), dsp_word(v, i, v_size));
    }
    return sum;
}

/* dsp_rows for rows of bytes, and v of bytes or words */
RTRL_INLINE void dsp_byte_rows(int32_t *acc, const int8_t *a, int apart, const void *v, size_t v_size, int count)
{
    const int8_t *b = a + apart, *c = b + apart, *d = c + apart;
    int32_t a_sum = 0, b_sum = 0, c_sum = 0, d_sum = 0;
    int fours = count / 4 * 4;
#pragma GCC unroll 4
    for (int i = 0; i < fours; i += 4) {
        dsp_pairs four = dsp_words(v, i, v_size);
        a_sum = dsp_mac4(a_sum, dsp_bytes(&a[i]), four);
        b_sum = dsp_mac4(b_sum, dsp_bytes(&b[i]), four);
        c_sum = dsp_mac4(c_sum, dsp_bytes(&c[i]), four);
        d_sum = dsp_mac4(d_sum, dsp_bytes(&d[i]), four);
    }
    for (int i = fours; i < count; i++) {
        int32_t word = dsp_word(v, i, v_size);
        a_sum = fx_mac(a_sum, a[i], word);
        b_sum = fx_mac(b_sum, b[i], word);
        c_sum = fx_mac(c_sum, c[i], word);
        d_sum = fx_mac(d_sum, d[i], word);
    }
    acc[0] = a_sum;
    acc[1] = b_sum;
    acc[2] = c_sum;
    acc[3] = d_sum;
}
