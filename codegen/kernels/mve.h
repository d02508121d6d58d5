/* mve.h - words of the Arm M-profile vector extension (Helium; Cortex-M55), where a register holds sixteen int8, eight
 * int16 or four int32. They have no twins in C: the emulated core tests what is made of them.
 * VMLADAVA multiplies the lanes of two registers and adds all products to a sum. It wraps, so the order of additions is
 * free: a sum that fits at the end, by its L1 norm, has the same bits as in plain C.
 * What is in assembly is there because gcc 12 spends copies on it: of addresses, of sums, of what is changed in place. */
#ifndef __ARM_FEATURE_MVE
#error "these kernels need the Arm M-profile vector extension: compile for a core that has it (-mcpu=cortex-m55 -mfloat-abi=hard), or generate with another --simd"
#endif
#include <arm_mve.h>

/* lanes that products of words of two sizes have: bytes are widened where the other side has more */
enum { MVE_BYTES = 16, MVE_WORDS = 8 };

RTRL_INLINE int mve_lanes(size_t a_size, size_t v_size)
{
    return a_size == 1 && v_size == 1 ? MVE_BYTES : MVE_WORDS;
}

/* words 0 .. lanes - 1 at an address; those from `left` on are zero, and not read */
RTRL_INLINE int8x16_t mve_load(const void *at, size_t size, int lanes, int left)
{
    if (lanes == MVE_BYTES) {
        return left < lanes ? vldrbq_z_s8(at, vctp8q((uint32_t)left)) : vldrbq_s8(at);
    }
    if (size == 1) {
        return vreinterpretq_s8_s16(left < lanes ? vldrbq_z_s16(at, vctp16q((uint32_t)left)) : vldrbq_s16(at));
    }
    return vreinterpretq_s8_s16(left < lanes ? vldrhq_z_s16(at, vctp16q((uint32_t)left)) : vldrhq_s16(at));
}

/* the same, and `at` moves behind them */
RTRL_INLINE int8x16_t mve_next(const int8_t **at, size_t size, int lanes, int left)
{
    int8x16_t words;
    if (left < lanes) {
        words = mve_load(*at, size, lanes, left);
        *at += left * (int)size;
    } else if (lanes == MVE_BYTES) {
        __asm__ volatile("vldrb.u8 %q0, [%1], #16" : "=w"(words), "+r"(*at));
    } else if (size == 1) {
        __asm__ volatile("vldrb.s16 %q0, [%1], #8" : "=w"(words), "+r"(*at));
    } else {
        __asm__ volatile("vldrh.u16 %q0, [%1], #16" : "=w"(words), "+r"(*at));
    }
    return words;
}

/* all a v: the first products of a sum */
RTRL_INLINE int32_t mve_mul(int8x16_t a, int8x16_t v, int lanes)
{
    int32_t sum;
    if (lanes == MVE_BYTES) {
        __asm__ volatile("vmladav.s8 %0, %q1, %q2" : "=Te"(sum) : "w"(a), "w"(v));
    } else {
        __asm__ volatile("vmladav.s16 %0, %q1, %q2" : "=Te"(sum) : "w"(a), "w"(v));
    }
    return sum;
}

/* sum + all a v */
RTRL_INLINE int32_t mve_mac(int32_t sum, int8x16_t a, int8x16_t v, int lanes)
{
    if (lanes == MVE_BYTES) {
        __asm__ volatile("vmladava.s8 %0, %q1, %q2" : "+Te"(sum) : "w"(a), "w"(v));
    } else {
        __asm__ volatile("vmladava.s16 %0, %q1, %q2" : "+Te"(sum) : "w"(a), "w"(v));
    }
    return sum;
}

/* sum of a[i] v[i], words of any size; count is a constant */
RTRL_INLINE int32_t mve_dot(const void *a, size_t a_size, const void *v, size_t v_size, int count)
{
    const int lanes = mve_lanes(a_size, v_size);
    const int8_t *a_at = a, *v_at = v;
    int32_t sum = 0;
#pragma GCC unroll 8
    for (int left = count; left > 0; left -= lanes) {
        int8x16_t words = mve_load(a_at, a_size, lanes, left), others = mve_load(v_at, v_size, lanes, left);
        sum = left == count ? mve_mul(words, others, lanes) : mve_mac(sum, words, others, lanes);
        a_at += lanes * (int)a_size;
        v_at += lanes * (int)v_size;
    }
    return sum;
}

/* two neighbouring sums, in one instruction */
typedef struct {
    int32_t first;
    int32_t second;
} mve_two;

RTRL_INLINE mve_two mve_load_two(const int32_t *at)
{
    mve_two two;
    __asm__ volatile("ldrd %0, %1, [%2]" : "=Te"(two.first), "=Te"(two.second) : "r"(at) : "memory");
    return two;
}

/* `at` moves behind them */
RTRL_INLINE void mve_store_two(int32_t **at, mve_two two)
{
    __asm__ volatile("strd %1, %2, [%0], #8" : "+r"(*at) : "r"(two.first), "r"(two.second) : "memory");
}

/* four sums; those from `left` on are zero, and not read */
RTRL_INLINE int32x4_t mve_sums(const int32_t *at, int left)
{
    return left < 4 ? vldrwq_z_s32(at, vctp32q((uint32_t)left)) : vldrwq_s32(at);
}

/* sixteen sums: all of them crossed, a: 0, 4, 8, 12, b: 1, 5, 9, 13 and so on; fewer in order, those from `left` on zero
 * and not read */
typedef struct {
    int32x4_t a;
    int32x4_t b;
    int32x4_t c;
    int32x4_t d;
} mve_sixteen;

RTRL_INLINE mve_sixteen mve_load_sixteen(const int32_t *at, int left)
{
    const int32x4_t none = vdupq_n_s32(0);
    if (left < 16) {
        return (mve_sixteen){ mve_sums(at, left), left > 4 ? mve_sums(at + 4, left - 4) : none,
                              left > 8 ? mve_sums(at + 8, left - 8) : none, left > 12 ? mve_sums(at + 12, left - 12) : none };
    }
    register int32x4_t a __asm__("q0"), b __asm__("q1"), c __asm__("q2"), d __asm__("q3");
    __asm__ volatile("vld40.32 {q0, q1, q2, q3}, [%4]\n\t"
                     "vld41.32 {q0, q1, q2, q3}, [%4]\n\t"
                     "vld42.32 {q0, q1, q2, q3}, [%4]\n\t"
                     "vld43.32 {q0, q1, q2, q3}, [%4]"
                     : "=w"(a), "=w"(b), "=w"(c), "=w"(d)
                     : "r"(at)
                     : "memory");
    return (mve_sixteen){ a, b, c, d };
}

/* the largest magnitude so far, and of these */
RTRL_INLINE uint32_t mve_largest(uint32_t largest, mve_sixteen sums)
{
    largest = vmaxavq_s32(vmaxavq_s32(largest, sums.a), sums.b);
    return vmaxavq_s32(vmaxavq_s32(largest, sums.c), sums.d);
}

/* the largest so far, and of these */
RTRL_INLINE int32_t mve_top(int32_t top, mve_sixteen sums)
{
    return vmaxvq_s32(vmaxvq_s32(vmaxvq_s32(vmaxvq_s32(top, sums.a), sums.b), sums.c), sums.d);
}

/* sixteen words, crossed: 0, 2, 4 and so on, and those between */
typedef struct {
    int16x8_t even;
    int16x8_t odd;
} mve_crossed;

RTRL_INLINE mve_crossed mve_load_crossed(const int16_t *at)
{
    int16x8x2_t words = vld2q_s16(at);
    return (mve_crossed){ words.val[0], words.val[1] };
}

RTRL_INLINE int32_t mve_dot_crossed(mve_crossed a, mve_crossed v)
{
    int32_t sum = mve_mul(vreinterpretq_s8_s16(a.even), vreinterpretq_s8_s16(v.even), MVE_WORDS);
    return mve_mac(sum, vreinterpretq_s8_s16(a.odd), vreinterpretq_s8_s16(v.odd), MVE_WORDS);
}

/* sixteen crossed sums, saturated to words of one or two bytes that are stored in order: each narrowing puts one
 * register between another */
RTRL_INLINE mve_crossed mve_store_crossed(void *at, size_t size, mve_sixteen sums)
{
    register int32x4_t even __asm__("q0") = sums.a, odd __asm__("q1") = sums.b;
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqmovnt.s32 %q0, %q1" : "+w"(even) : "w"(sums.c));
    __asm__("vqmovnb.s32 %q0, %q0\n\tvqmovnt.s32 %q0, %q1" : "+w"(odd) : "w"(sums.d));
    if (size == 1) {
        __asm__("vqmovnb.s16 %q0, %q0\n\tvqmovnt.s16 %q0, %q1" : "+w"(even) : "w"(odd));
        int8x16_t bytes = vreinterpretq_s8_s32(even);
        vstrbq_s8(at, bytes);
        return (mve_crossed){ vmovlbq_s8(bytes), vmovltq_s8(bytes) };
    }
    __asm__ volatile("vst20.16 {q0, q1}, [%2]\n\tvst21.16 {q0, q1}, [%2]" ::"w"(even), "w"(odd), "r"(at) : "memory");
    return (mve_crossed){ vreinterpretq_s16_s32(even), vreinterpretq_s16_s32(odd) };
}

RTRL_INLINE void mve_store_sums(int32_t *at, int32x4_t sums, int left)
{
    if (left < 4) {
        vstrwq_p_s32(at, sums, vctp32q((uint32_t)left));
    } else {
        vstrwq_s32(at, sums);
    }
}

/* four words of one or two bytes; where `some` says no, they are zero and not read */
RTRL_INLINE int32x4_t mve_some_words(const void *at, size_t size, mve_pred16_t some)
{
    return size == 1 ? vldrbq_z_s32(at, some) : vldrhq_z_s32(at, some);
}

/* the same; those from `left`, a constant, on are zero */
RTRL_INLINE int32x4_t mve_words(const void *at, size_t size, int left)
{
    if (left < 4) {
        return mve_some_words(at, size, vctp32q((uint32_t)left));
    }
    return size == 1 ? vldrbq_s32(at) : vldrhq_s32(at);
}

/* the low bytes or halves of four words, where `some` says so */
RTRL_INLINE void mve_store_some_words(void *at, size_t size, int32x4_t words, mve_pred16_t some)
{
    if (size == 1) {
        vstrbq_p_s32(at, words, some);
    } else {
        vstrhq_p_s32(at, words, some);
    }
}

/* the same; not those from `left`, a constant, on */
RTRL_INLINE void mve_store_words(void *at, size_t size, int32x4_t words, int left)
{
    if (left < 4) {
        mve_store_some_words(at, size, words, vctp32q((uint32_t)left));
    } else if (size == 1) {
        vstrbq_s32(at, words);
    } else {
        vstrhq_s32(at, words);
    }
}

/* four sums, saturated to words of one or two bytes */
RTRL_INLINE int32x4_t mve_saturate(int32x4_t sums, size_t size)
{
    __asm__("vqmovnb.s32 %q0, %q0" : "+w"(sums)); /* into the low half of each lane */
    if (size == 1) {
        __asm__("vqmovnb.s16 %q0, %q0" : "+w"(sums));
    }
    return sums;
}
