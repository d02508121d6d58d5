/* squash_c.c for the Arm DSP extension: SMLAD interpolates between two neighbours of the table that come with one load,
 * SMMULR rounds, QADD stops at the largest word. The ranges are those of squash_c.c */
RTRL_INLINE int32_t fx_round_product(int32_t v)
{
    enum { DOWN_15 = 131072 }; /* check: 131072 == 2**(32 - 15) */
    return dsp_mul_high(v, DOWN_15);
}

RTRL_INLINE int16_t fx_sat16(int32_t v)
{
    return dsp_sat_16(v);
}

RTRL_INLINE int32_t fx_scaled(int32_t v, int16_t w)
{
    return dsp_mul_high(v * 2, w * 65536); /* check: 65536 * 2 == 2**(32 - 15) */
}

/* low (2^15 - part) + high part: 2^15 is no word, hence low once more */
RTRL_INLINE int32_t fx_tanh_q30(int32_t v)
{
    int32_t sign = v >> 31, size = (v ^ sign) - sign, part = (size >> 7) & 0x7FFF;
    uint32_t low_high = dsp_pair(&rtrl_tanh_table[size >> 22]);
    uint32_t weights = ((uint32_t)part << 16) - (uint32_t)part + 0x7FFF;
    return dsp_mac((int16_t)low_high, low_high, weights) ^ sign;
}

RTRL_INLINE int16_t fx_tanh_q27(int32_t a)
{
    return (int16_t)fx_round_product(fx_tanh_q30(dsp_sat_31(a)));
}

RTRL_INLINE int16_t fx_sigmoid_q27(int32_t a)
{
    enum { ONE_AND_HALVES = 1073790976 }; /* check: 1073790976 == 2**30 + 2**15 + 2**14 */
    return (int16_t)(dsp_add_sat(fx_tanh_q30(a >> 1), ONE_AND_HALVES) >> 16);
}
