/* Elman cell, its linear form: the one coefficient: 1 - h^2, Q0.15, of the h that the table gave */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    for (int i = 0; i < N_UNITS; i++) {
        net->coef[i] = fx_tanh_slope(net->h[i]);
    }
}
