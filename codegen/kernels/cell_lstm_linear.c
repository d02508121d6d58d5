/* LSTM, its linear form: coefficients Q1.14 into c: g i', c f' (|.| < 2: saturated), i g', and times
 * q = o (1 - tanh(c)^2) into h; tanh(c) o' into h. A unit keeps f of its c, and passes q f of it to h.
 * bound of the mix, Q26: (1/4 + 2 + 1 + 1/4) * 8 = 28 < 2^31 / 2^26 = 32 */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    const int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    for (int u = 0; u < N_UNITS; u++) {
        int16_t t = cell_squashed(net->cell[u]);
        int32_t q = fx_round_product(fx_mul(o[u], fx_tanh_slope(t)));
        int32_t into_c[4] = {
            fx_round_shift(fx_mul(g[u], fx_sigmoid_slope(i[u])), 16),
            fx_sat(fx_round_shift(fx_mul(net->c_old[u], fx_sigmoid_slope(f[u])), 13), 32767),
            fx_round_shift(fx_mul(i[u], fx_tanh_slope(g[u])), 16),
            0,
        };
        for (int gate = 0; gate < 4; gate++) {
            int16_t *coef = &net->coef[gate * N_STATES + u];
            coef[0] = (int16_t)into_c[gate];
            coef[N_UNITS] = (int16_t)fx_round_product(fx_mul(q, into_c[gate]));
        }
        net->coef[3 * N_STATES + N_UNITS + u] = (int16_t)fx_round_shift(fx_mul(t, fx_sigmoid_slope(o[u])), 16);
        net->keep[u] = f[u];
        net->keep[N_UNITS + u] = (int16_t)fx_round_product(fx_mul(q, f[u]));
    }
    net->k_exp = 15;
}
