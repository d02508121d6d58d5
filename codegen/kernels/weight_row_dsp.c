/* weight_row.c for the Arm DSP extension. Weights with 16 low bits go by pairs where no step of the row can be clipped:
 * |a| 2^15 is the largest product. */
static __attribute__((noinline)) RTRL_UNUSED void weight_row(int16_t *hi, w_lo_word *lo, int count, int32_t a,
                                                             const int16_t *b, int s, int32_t limit)
{
    int j = 0;
    if (W_LO_BITS == 16 && s >= 2 && s <= 31 && (fx_abs(a) * 32768) >> s < limit) {
        int32_t factor = (int32_t)(1U << (32 - s));
        for (; j + 2 <= count; j += 2) {
            uint32_t pair = dsp_pair(&b[j]);
            weight_two(&hi[j], &lo[j], dsp_mul_high(fx_mul(a, (int16_t)pair), factor),
                       dsp_mul_high(fx_mul(a, (int32_t)pair >> 16), factor));
        }
    }
    for (; j < count; j++) {
        weight_step(&hi[j], &lo[j], fx_step_size(fx_mul(a, b[j]), s, limit));
    }
}
