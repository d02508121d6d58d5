/* Fully recurrent network with teacher forcing, its linear form: 1 - h^2, Q0.15, of the h that the table gave. What
 * a target stood for is no function of the past: nothing comes from it. */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    for (int i = 0; i < N_UNITS; i++) {
        net->coef[i] = fx_tanh_slope(net->h[i]);
    }
}

/* mix[r][l] = coef[r] W[r][l], or 0 where the h of unit l was forced. bound: 2^15 * 2^15 */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int r, int l)
{
    return net->forced[0] && l < N_OUT ? 0 : fx_mul(net->coef[r], net->w_hi[r * N_PRE + N_IN + 1 + l]);
}
