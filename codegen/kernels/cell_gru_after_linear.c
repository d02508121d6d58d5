/* GRU, reset after, its linear form: coefficients Q1.14 cn q r', (h - n) z', cn, cn r, cn = (1 - z) (1 - n^2) <= 1.
 * A unit keeps z of its h. -8 <= q < 8 and r' <= 1/4, so Q1.14 holds q r'; |h - n| z' <= 2 / 4
 * bound of the mix, Q26: (2 + 1/2 + 1) * 8 = 28 < 2^31 / 2^26 = 32 */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    const int16_t *r = net->gates, *z = r + N_UNITS, *n = z + N_UNITS;
    for (int u = 0; u < N_UNITS; u++) {
        int32_t cn = fx_round_shift(fx_mul(32768 - z[u], fx_tanh_slope(n[u])), 16);
        int32_t by_q = fx_round_shift(fx_mul(net->q[u], fx_sigmoid_slope(r[u])), 13);
        int32_t slope = fx_sigmoid_slope(z[u]);
        int32_t by_z = fx_mac(fx_mul(net->z[N_IN + 1 + u], slope), -n[u], slope);
        net->coef[u] = (int16_t)fx_round_shift(fx_mul(by_q, cn), 14);
        net->coef[N_UNITS + u] = (int16_t)fx_round_shift(by_z, 16);
        net->coef[2 * N_UNITS + u] = (int16_t)cn;
        net->coef[3 * N_UNITS + u] = (int16_t)fx_round_product(fx_mul(cn, r[u]));
        net->keep[u] = z[u];
    }
    net->k_exp = 15;
}
