/* forward_c.c for the Arm M-profile vector extension. Four rows share the words of b that they are multiplied with:
 * VMLALDAVA adds eight products to 64 bits, SQSHLL saturates to 32. Four sums are squashed at once, by the table's words
 * that gathering loads fetch */

/* the high word of a 64-bit shift that saturates */
RTRL_INLINE int32_t mve_sat_32(int64_t sum)
{
    __asm__ volatile("sqshll %Q0, %R0, #32" : "+r"(sum));
    return (int32_t)(sum >> 32);
}

RTRL_INLINE int32_t fx_dot32(const int16_t *a, const int16_t *b, int count)
{
    return mve_sat_32(fx_dot64(a, b, count));
}

/* all a v, and the same added to a sum: in the order in which they are written, so that gcc has one row at a time */
RTRL_INLINE int64_t mve_mul64(int16x8_t a, int16x8_t v)
{
    int64_t sum;
    __asm__ volatile("vmlaldav.s16 %Q0, %R0, %q1, %q2" : "=r"(sum) : "w"(a), "w"(v));
    return sum;
}

RTRL_INLINE int64_t mve_mac64(int64_t sum, int16x8_t a, int16x8_t v)
{
    __asm__ volatile("vmlaldava.s16 %Q0, %R0, %q1, %q2" : "+r"(sum) : "w"(a), "w"(v));
    return sum;
}

/* Where the eight words of part j of `count` begin. The last part ends with the row, and has some that were there before */
RTRL_INLINE int mve_part_at(int j, int count)
{
    return count >= 8 && 8 * j > count - 8 ? count - 8 : 8 * j;
}

/* part j of a row */
RTRL_INLINE int16x8_t mve_part(const int16_t *row, int j, int count)
{
    return count < 8 ? vldrhq_z_s16(row, vctp16q((uint32_t)count)) : vldrhq_s16(&row[mve_part_at(j, count)]);
}

/* the same, without those words that were there before: they are zero */
RTRL_INLINE int16x8_t mve_part_once(const int16_t *b, int j, int count)
{
    int before = 8 * j - mve_part_at(j, count);
    int16x8_t words = mve_part(b, j, count);
    return before == 0 ? words : vdupq_m_n_s16(words, 0, vctp16q((uint32_t)before));
}

/* four rows a, `apart` words from each other, times b, saturated to 32 bits: four parts of b at a time in registers */
RTRL_INLINE int32x4_t mve_four_dots(const int16_t *a, int apart, const int16_t *b, int count)
{
    const int parts = (count + 7) / 8;
    int64_t sum[4] = { 0 };
    int32_t fit[4] = { 0 };
#pragma GCC unroll 8
    for (int first = 0; first < parts; first += 4) {
        int16x8_t words[4];
        const int more = parts - first < 4 ? parts - first : 4;
#pragma GCC unroll 4
        for (int j = 0; j < more; j++) {
            words[j] = mve_part_once(b, first + j, count);
        }
#pragma GCC unroll 4
        for (int k = 0; k < 4; k++) {
#pragma GCC unroll 4
            for (int j = 0; j < more; j++) {
                int16x8_t row = mve_part(&a[k * apart], first + j, count);
                sum[k] = first + j == 0 ? mve_mul64(row, words[j]) : mve_mac64(sum[k], row, words[j]);
            }
            fit[k] = first + 4 < parts ? 0 : mve_sat_32(sum[k]);
        }
    }
    int32x4_t sums;
    __asm__("vmov %q0[2], %q0[0], %1, %3\n\tvmov %q0[3], %q0[1], %2, %4"
            : "=&w"(sums)
            : "r"(fit[0]), "r"(fit[1]), "r"(fit[2]), "r"(fit[3]));
    return sums;
}

RTRL_INLINE void fx_four_dots32(int32_t sums[4], const int16_t *a, int apart, const int16_t *b, int count)
{
    vstrwq_s32(sums, mve_four_dots(a, apart, b, count));
}

/* where row r begins, and, of rows that are taken by four, those of its group */
RTRL_INLINE int fx_group_at(int r, int width)
{
    return r * width;
}

/* words that so many rows take */
RTRL_INLINE int fx_rows_words(int rows, int width)
{
    return rows * width;
}

/* fx_tanh_q30 of four, half of what is given here: v: 28 fraction bits, within +-2^31 */
RTRL_INLINE int32x4_t mve_tanh_q30(int32x4_t v)
{
    uint32x4_t size = vreinterpretq_u32_s32(vabsq_s32(v)); /* 2^31 of -2^31 */
    uint32x4_t at = vshrq_n_u32(size, 23);
    int32x4_t part = vreinterpretq_s32_u32(vshrq_n_u32(vshlq_n_u32(size, 9), 17));
    int32x4_t low = vldrhq_gather_shifted_offset_s32(rtrl_tanh_table, at);
    int32x4_t high = vldrhq_gather_shifted_offset_s32(&rtrl_tanh_table[1], at);
    int32x4_t sum = vaddq_s32(vshlq_n_s32(low, 15), vmulq_s32(vsubq_s32(high, low), part));
    return veorq_s32(sum, vshrq_n_s32(v, 31));
}

RTRL_INLINE int32x4_t mve_tanh_q27(int32x4_t a)
{
    return vrshrq_n_s32(mve_tanh_q30(vqshlq_n_s32(a, 1)), 15);
}

/* see fx_sigmoid_q27 of squash_dsp.c */
RTRL_INLINE int32x4_t mve_sigmoid_q27(int32x4_t a)
{
    enum { ONE_AND_HALVES = 1073790976 }; /* check: 1073790976 == 2**30 + 2**15 + 2**14 */
    return vshrq_n_s32(vqaddq_n_s32(mve_tanh_q30(vbicq_n_s32(a, 1)), ONE_AND_HALVES), 16);
}

/* Rows by four; where four do not divide them, the last four have some that were done before */
RTRL_INLINE void fx_tanh_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    if (rows < 4) {
        for (int i = 0; i < rows; i++) {
            y[i] = fx_tanh_q27(fx_dot32(&a[i * width], b, width));
        }
        return;
    }
    for (int i = 0; i < rows; i += 4) {
        int r = i < rows - 4 ? i : rows - 4;
        vstrhq_s32(&y[r], mve_tanh_q27(mve_four_dots(&a[r * width], width, b, width)));
    }
}

RTRL_INLINE void fx_sigmoid_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    if (rows < 4) {
        for (int i = 0; i < rows; i++) {
            y[i] = fx_sigmoid_q27(fx_dot32(&a[i * width], b, width));
        }
        return;
    }
    for (int i = 0; i < rows; i += 4) {
        int r = i < rows - 4 ? i : rows - 4;
        vstrhq_s32(&y[r], mve_sigmoid_q27(mve_four_dots(&a[r * width], width, b, width)));
    }
}

/* i, f, g, o of a unit, `apart` from each other: tanh of g's sum, the logistic function of the others' */
RTRL_INLINE void fx_lstm_gates(int16_t *y, int apart, const int32_t sums[4])
{
    enum { ONE_AND_HALVES = 1073790976 }; /* check: 1073790976 == 2**30 + 2**15 + 2**14 */
    enum { HALF = 16384 };                /* check: 16384 == 2**14 */
    const int32x4_t is_g = { 0, 0, 1, 0 }, not_g = { 1, 1, 0, 1 };
    const int32x4_t half = { ONE_AND_HALVES, ONE_AND_HALVES, HALF, ONE_AND_HALVES };
    const uint32x4_t at = { 0, (uint32_t)apart, 2 * (uint32_t)apart, 3 * (uint32_t)apart };
    int32x4_t v = mve_tanh_q30(vqshlq_s32(vbicq_s32(vldrwq_s32(sums), not_g), is_g));
    vstrhq_scatter_shifted_offset_s32(y, at, vshlq_s32(vqaddq_s32(v, half), vsubq_n_s32(is_g, 16)));
}
