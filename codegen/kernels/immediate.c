/* Immediate term of a column: coef[gate][k][unit] * z[input] in each component k of its unit
 * bound: |coef z| <= 2^30, frac <= COEF_FRAC + 15, so the shift is a right one; acc + immediate < 2^31 */
RTRL_INLINE void immediate_add(int32_t acc[N_STATES], const rtrl_t *net, const column_t *here, int frac)
{
    int down = COEF_FRAC + 15 - frac;
    down = down > 31 ? 31 : down;
    for (int k = 0; k < N_COMPONENTS; k++) {
        int r = k * N_UNITS + here->unit;
        int32_t term = fx_mul(net->coef[here->block * N_STATES + r], net->z[here->input]);
        acc[r] = fx_add(acc[r], fx_round_shift(term, down));
    }
}
