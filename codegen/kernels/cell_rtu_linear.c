/* RTU, its linear form. With p = lambda c_{t-1}, Q13, as real and imaginary part; coefficients Q2.13, saturated:
 * nu: (1 - r) p - gamma r^2 / (1 + r) drive   theta: (pi / 8) i p   W1: gamma   W2: i gamma
 * bound: |p| <= r sqrt(2) 2^16, so p (1 - r) <= 0.71 2^30; gamma r^2 / (1 + r) <= 0.214, so its term is at most
 * 0.43 2^30; pi / 8 |p| < 1.12 2^30. No weight is recurrent, so the mix is zero. */
RTRL_INLINE void cell_coef(rtrl_t *net, int gate, int i, int32_t re, int32_t im)
{
    net->coef[gate * N_STATES + i] = (int16_t)fx_sat(re, 32767);
    net->coef[gate * N_STATES + N_UNITS + i] = (int16_t)fx_sat(im, 32767);
}

RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    enum { PI_8_Q15 = 12868 }; /* check: 12868 == round(pi / 8 * 2**15) */
    for (int i = 0; i < N_UNITS; i++) {
        int32_t a = net->lambda[i], b = net->lambda[N_UNITS + i], re = net->old[i], im = net->old[N_UNITS + i];
        int32_t p_re = fx_round_shift(fx_mac(fx_mul(a, re), -b, im), 14);
        int32_t p_im = fx_round_shift(fx_mac(fx_mul(b, re), a, im), 14);
        int32_t gap = 32768 - net->decay[i];
        int32_t ratio = fx_round_shift(fx_mul(cell_between(rtrl_ratio_table, net->decay[i], 10), net->gamma[i]), 15);
        cell_coef(net, 0, i, fx_round_shift(fx_mac(fx_mul(gap, p_re), -2 * ratio, net->drive[i]), 15),
                  fx_round_shift(fx_mac(fx_mul(gap, p_im), -2 * ratio, net->drive[N_UNITS + i]), 15));
        cell_coef(net, 1, i, fx_round_shift(fx_mul(PI_8_Q15, -p_im), 15), fx_round_shift(fx_mul(PI_8_Q15, p_re), 15));
        int32_t gamma = fx_round_shift(net->gamma[i], 2);
        cell_coef(net, 2, i, gamma, 0);
        cell_coef(net, 3, i, 0, gamma);
        net->keep[i] = (int16_t)a;
        net->keep[N_UNITS + i] = (int16_t)-b;
        net->keep[2 * N_UNITS + i] = (int16_t)b;
        net->keep[3 * N_UNITS + i] = (int16_t)a;
    }
    net->k_exp = 15;
}

/* from the credit of h to that of c: times 1 - h^2, which makes no entry larger */
RTRL_INLINE void cell_credit(rtrl_t *net)
{
    for (int k = 0; SQUASHED && k < N_SEEN; k++) {
        net->c[k] = (int16_t)fx_round_shift(fx_mul(net->c[k], fx_tanh_slope(net->h[k])), 15);
    }
}

RTRL_INLINE void cell_learn(rtrl_t *net)
{
    (void)net;
}
