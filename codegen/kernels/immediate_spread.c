/* As immediate.c, for cells with gates whose weights move every unit at once: spread[unit][k] * z[input]. */
RTRL_INLINE void immediate_add(int32_t acc[N_STATES], const rtrl_t *net, const column_t *here, int frac)
{
    int down = COEF_FRAC + 15 - frac;
    down = down > 31 ? 31 : down;
    if (rtrl_blocks[here->block].spread) {
        for (int k = 0; k < N_UNITS; k++) {
            int r = N_STATES - N_UNITS + k;
            int32_t term = fx_mul(net->spread[here->unit * N_UNITS + k], net->z[here->input]);
            acc[r] = fx_add(acc[r], fx_round_shift(term, down));
        }
        return;
    }
    for (int k = 0; k < N_COMPONENTS; k++) {
        int r = k * N_UNITS + here->unit;
        int32_t term = fx_mul(net->coef[here->block * N_STATES + r], net->z[here->input]);
        acc[r] = fx_add(acc[r], fx_round_shift(term, down));
    }
}
