/* a row of an outer product: w[j] <- w[j] - clip(a b[j] / 2^s, limit) for count weights   |a|, |b| <= 2^15 */
RTRL_INLINE void weight_row(int16_t *hi, w_lo_word *lo, int count, int32_t a, const int16_t *b, int s, int32_t limit)
{
    for (int j = 0; j < count; j++) {
        weight_step(&hi[j], &lo[j], fx_step_size(fx_mul(a, b[j]), s, limit));
    }
}
