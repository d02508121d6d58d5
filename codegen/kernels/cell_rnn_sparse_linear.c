/* Elman cell with sparse recurrent weights, its linear form: the one coefficient of both blocks is 1 - h^2, Q0.15 */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    for (int i = 0; i < N_UNITS; i++) {
        int16_t slope = fx_tanh_slope(net->h[i]);
        net->coef[i] = slope;
        net->coef[N_UNITS + i] = slope;
    }
}

/* the mix at place e of the pattern, in the row of unit i; |.| <= 2^30 */
RTRL_INLINE int32_t cell_mix_entry(const rtrl_t *net, int i, int e)
{
    return fx_mul(net->coef[i], net->w_hi[REC_AT + e]);
}

/* the same for any row and column: it is looked for */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int r, int l)
{
    for (int e = (int)rtrl_pattern_at[r]; e < (int)rtrl_pattern_at[r + 1]; e++) {
        if (rtrl_pattern[e] == l) {
            return cell_mix_entry(net, r, e);
        }
    }
    return 0;
}
