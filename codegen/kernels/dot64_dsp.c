/* dot64_c.c for the Arm DSP extension: SMLALD adds two products to 64 bits */
RTRL_INLINE int64_t fx_dot64(const int16_t *a, const int16_t *b, int count)
{
    int64_t sum = 0;
    int fours = count / 4 * 4;
    for (int i = 0; i < fours; i += 4) {
        sum = dsp_mac64(sum, dsp_pair(&a[i]), dsp_pair(&b[i]));
        sum = dsp_mac64(sum, dsp_pair(&a[i + 2]), dsp_pair(&b[i + 2]));
    }
    if (count & 2) {
        sum = dsp_mac64(sum, dsp_pair(&a[fours]), dsp_pair(&b[fours]));
    }
    return count & 1 ? fx_mac64(sum, a[count - 1], b[count - 1]) : sum;
}
