/* tanh and the logistic function from a table of tanh over [0, 8], odd and linear between its points, Q0.15
 * Sums have 27 fraction bits. One that was saturated to 32 bits has the tanh and the logistic function of the whole sum:
 * at +-8 and +-16 both have reached their last word. */

/* v / 2^15, to nearest, halves up; v < 2^31 - 2^14: products of two words, and sums of them that are known to fit */
RTRL_INLINE int32_t fx_round_product(int32_t v)
{
    enum { HALF = 16384 }; /* check: 16384 == 2**14 */
    return fx_add(v, HALF) >> 15;
}

/* v, saturated to a word */
RTRL_INLINE int16_t fx_sat16(int32_t v)
{
    return (int16_t)fx_sat(v, 32767);
}

/* v w / 2^15, to nearest, halves up: a value of 31 bits times a word of at least 0 */
RTRL_INLINE int32_t fx_scaled(int32_t v, int16_t w)
{
    return (int32_t)fx_round_shift64((int64_t)v * w, 15);
}

/* tanh of |v| <= 2^30, not yet rounded: Q1.30, and for v < 0 one unit less, so that rounding is odd too */
RTRL_INLINE int32_t fx_tanh_q30(int32_t v)
{
    enum { ONE = 32768 }; /* check: 32768 == 2**(30 - 15) */
    int32_t sign = v >> 31, size = (v ^ sign) - sign;
    const int16_t *low = &rtrl_tanh_table[size >> 22]; /* steps of 2^22: check: 256 * 2**22 == 8 * 2**27 */
    return fx_mac(low[0] * ONE, low[1] - low[0], (size >> 7) & 0x7FFF) ^ sign;
}

RTRL_INLINE int16_t fx_tanh_q27(int32_t a)
{
    enum { EIGHT = 1073741824 }; /* check: 1073741824 == 8 * 2**27 */
    return (int16_t)fx_round_product(fx_tanh_q30(fx_sat(a, EIGHT - 1)));
}

/* (1 + tanh(a / 2)) / 2 with tanh rounded first: both roundings in one */
RTRL_INLINE int16_t fx_sigmoid_q27(int32_t a)
{
    enum { ONE_AND_HALVES = 1073790976 }; /* check: 1073790976 == 2**30 + 2**15 + 2**14 */
    uint32_t s = ((uint32_t)fx_tanh_q30(a >> 1) + ONE_AND_HALVES) >> 16;
    return (int16_t)(s > 32767 ? 32767 : s);
}
