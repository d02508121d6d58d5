/* immediate_spread.c for the Arm M-profile vector extension, with the functions of immediate_mve.c: where weights move every
 * unit at once, four units at a time; elsewhere as plain C */
enum { MANY = 20 };

RTRL_INLINE void immediate_row(
    const rtrl_t *net, const column_t *here, int count, int32_t frac[MANY], int32_t terms[N_COMPONENTS * MANY]
)
{
    (void)terms;
    for (int i = 0; i < count; i++) {
        frac[i] = net->d_exp + net->E[here->p + i];
    }
}

RTRL_INLINE void immediate_add(
    int32_t acc[N_STATES], const rtrl_t *net, const column_t *here, int i, const int32_t frac[MANY],
    const int32_t terms[N_COMPONENTS * MANY]
)
{
    int down = COEF_FRAC + 15 - frac[i];
    down = down > 31 ? 31 : down;
    const int32_t z = net->z[here->input + i];
    (void)terms;
    if (rtrl_blocks[here->block].spread) {
        const int16_t *spread = &net->spread[here->unit * N_UNITS];
        int32_t *sums = &acc[N_STATES - N_UNITS];
#pragma GCC unroll 8
        for (int k = 0; k < N_UNITS; k += 4) {
            const int left = N_UNITS - k;
            int32x4_t parts = vrshlq_n_s32(vmulq_n_s32(mve_words(&spread[k], 2, left), z), -down);
            mve_store_sums(&sums[k], vaddq_s32(mve_sums(&sums[k], left), parts), left);
        }
        return;
    }
    for (int k = 0; k < N_COMPONENTS; k++) {
        int r = k * N_UNITS + here->unit;
        int32_t term = fx_mul(net->coef[here->block * N_STATES + r], z);
        acc[r] = fx_add(acc[r], fx_round_shift(term, down));
    }
}
