/* RTU, the linear form of one unit. With p = lambda c_{t-1}, Q13, as real and imaginary part; coefficients Q2.13, saturated:
 * nu: (1 - r) p - gamma r^2 / (1 + r) drive   theta: (pi / 8) i p   W1: gamma   W2: i gamma
 * bound: |p| <= r sqrt(2) 2^16, so p (1 - r) <= 0.71 2^30; gamma r^2 / (1 + r) <= 0.214, so its term is at most
 * 0.43 2^30; pi / 8 |p| < 1.12 2^30. No weight is recurrent, so the mix is zero. */
RTRL_INLINE int16_t cell_coef(int32_t v)
{
    return fx_sat16(fx_round_product(v));
}

RTRL_INLINE void cell_unit(unit_t *unit, const rtrl_t *net, int i)
{
    enum { PI_8_Q15 = 12868 }; /* check: 12868 == round(pi / 8 * 2**15) */
    int32_t a = net->lambda[i], b = net->lambda[N_UNITS + i], re = net->old[i], im = net->old[N_UNITS + i];
    int32_t p_re = fx_round_shift(fx_mac(fx_mul(a, re), -b, im), 14);
    int32_t p_im = fx_round_shift(fx_mac(fx_mul(b, re), a, im), 14);
    int32_t gap = 32768 - net->decay[i];
    int32_t ratio = -2 * fx_round_product(fx_mul(cell_between(rtrl_ratio_table, net->decay[i], 10), net->gamma[i]));
    int16_t *coef = unit->coef, *keep = unit->keep;
    coef[0] = cell_coef(fx_mac(fx_mul(gap, p_re), ratio, net->drive[i]));
    coef[1] = cell_coef(fx_mac(fx_mul(gap, p_im), ratio, net->drive[N_UNITS + i]));
    coef[2] = cell_coef(fx_mul(PI_8_Q15, -p_im));
    coef[3] = cell_coef(fx_mul(PI_8_Q15, p_re));
    coef[4] = coef[7] = (int16_t)fx_round_shift(net->gamma[i], 2);
    coef[5] = coef[6] = 0;
    keep[0] = (int16_t)a;
    keep[1] = (int16_t)-b;
    keep[2] = (int16_t)b;
    keep[3] = (int16_t)a;
}

/* keep is lambda itself, Q0.15 */
RTRL_INLINE void cell_exponent(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE int unit_exp(const rtrl_t *net)
{
    (void)net;
    return 15;
}

/* from the credit of h to that of c: times 1 - h^2, which makes no entry larger */
RTRL_INLINE void cell_credit(rtrl_t *net)
{
    for (int k = 0; SQUASHED && k < N_SEEN; k++) {
        net->c[k] = (int16_t)fx_round_product(fx_mul(net->c[k], fx_tanh_slope(net->h[k])));
    }
}

RTRL_INLINE void cell_learn(rtrl_t *net)
{
    (void)net;
}
