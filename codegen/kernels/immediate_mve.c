/* immediate.c for the Arm M-profile vector extension. Of `count` columns, at most MANY, that lie side by side in the row
 * of `here`: the fraction bits of their sums and their immediate terms, four columns at a time */
enum { MANY = 20 };

RTRL_INLINE void immediate_row(
    const rtrl_t *net, const column_t *here, int count, int32_t frac[MANY], int32_t terms[N_COMPONENTS * MANY]
)
{
    const int d_exp = net->d_exp;
    const int16_t *coef = &net->coef[here->block * N_STATES + here->unit], *z = &net->z[here->input];
    const int8_t *E = &net->E[here->p];
    for (int i = 0; i < count; i += 4) {
        const mve_pred16_t some = vctp32q((uint32_t)(count - i));
        int32x4_t fracs = vaddq_n_s32(mve_some_words(&E[i], 1, some), d_exp);
        int32x4_t up = vmaxq_s32(vsubq_n_s32(fracs, COEF_FRAC + 15), vdupq_n_s32(-31));
        vstrwq_s32(&frac[i], fracs);
        for (int k = 0; k < N_COMPONENTS; k++) {
            int32x4_t products = vmulq_n_s32(mve_some_words(&z[i], 2, some), coef[k * N_UNITS]);
            vstrwq_s32(&terms[k * MANY + i], vrshlq_s32(products, up));
        }
    }
}

/* acc += the terms of column i of them */
RTRL_INLINE void immediate_add(
    int32_t acc[N_STATES], const rtrl_t *net, const column_t *here, int i, const int32_t frac[MANY],
    const int32_t terms[N_COMPONENTS * MANY]
)
{
    (void)net;
    (void)frac;
    for (int k = 0; k < N_COMPONENTS; k++) {
        int r = k * N_UNITS + here->unit;
        acc[r] = fx_add(acc[r], terms[k * MANY + i]);
    }
}
