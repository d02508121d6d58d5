/* immediate.c for the Arm DSP extension, of two columns whose sums lie side by side */

/* a term in the fraction bits of the sums; beyond 31 bits of difference there is nothing left of it */
RTRL_INLINE int32_t immediate_word(int32_t term, int frac)
{
    return dsp_round_shift(term, dsp_sat_5(COEF_FRAC + 15 - frac));
}

/* acc += coef z[0] in the sums of the one, coef z[apart] in those of the other */
RTRL_INLINE void immediate_two(int32_t *acc, const rtrl_t *net, int block, int unit, const int16_t *z, int apart,
                               int a_frac, int b_frac)
{
    const int16_t *coef = &net->coef[block * N_STATES + unit];
    acc += 2 * unit;
    for (int k = 0; k < N_COMPONENTS; k++, acc += 2 * N_UNITS) {
        int32_t a = immediate_word(fx_mul(coef[k * N_UNITS], z[0]), a_frac);
        int32_t b = immediate_word(fx_mul(coef[k * N_UNITS], z[apart]), b_frac);
        if (N_PRIVATE) {
            dsp_pairs before = dsp_load_two(acc);
            a = fx_add(a, (int32_t)before.first);
            b = fx_add(b, (int32_t)before.second);
        }
        dsp_store_two(acc, (uint32_t)a, (uint32_t)b);
    }
}
