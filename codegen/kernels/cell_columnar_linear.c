/* Columnar LSTM, its linear form: coefficients Q1.14 of the gates as of LSTM, and times h_old for their recurrent
 * weights; a unit keeps ((f, A), (q f, q A + B)) of its (c, h), A and B sums of coefficient x recurrent weight.
 * bound, Q26: |A|, |q A + B| <= (1/4 + 2 + 1 + 1/4) * 8 = 28 < 2^31 / 2^26 = 32; f, q f < 1 */
enum { F_Q26 = 2048 }; /* check: 2048 == 2**(26 - 15) */

RTRL_INLINE int32_t cell_from_h(const rtrl_t *net, int k, int u)
{
    int32_t sum = 0;
    for (int gate = 0; gate < 4; gate++) {
        sum = fx_mac(sum, net->coef[gate * N_STATES + k * N_UNITS + u], net->w_hi[OWN + gate * N_UNITS + u]);
    }
    return sum;
}

/* the gates' coefficients of one unit, and, Q0.15, what it keeps of its c */
RTRL_INLINE void cell_coef(rtrl_t *net, int u)
{
    const int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    int16_t t = cell_squashed(net->cell[u]);
    int32_t q = fx_round_shift(fx_mul(o[u], fx_tanh_slope(t)), 15);
    int32_t into_c[4] = {
        fx_round_shift(fx_mul(g[u], fx_sigmoid_slope(i[u])), 16),
        fx_sat(fx_round_shift(fx_mul(net->c_old[u], fx_sigmoid_slope(f[u])), 13), 32767),
        fx_round_shift(fx_mul(i[u], fx_tanh_slope(g[u])), 16),
        0,
    };
    for (int gate = 0; gate < 4; gate++) {
        int16_t *coef = &net->coef[gate * N_STATES + u], *own = coef + 4 * N_STATES;
        coef[0] = (int16_t)into_c[gate];
        coef[N_UNITS] = (int16_t)fx_round_shift(gate < 3 ? fx_mul(q, into_c[gate]) : fx_mul(t, fx_sigmoid_slope(o[u])),
                                                gate < 3 ? 15 : 16);
        own[0] = (int16_t)fx_round_shift(fx_mul(coef[0], net->h_old[u]), 15);
        own[N_UNITS] = (int16_t)fx_round_shift(fx_mul(coef[N_UNITS], net->h_old[u]), 15);
    }
    net->keep[u] = f[u];
    net->keep[2 * N_UNITS + u] = (int16_t)fx_round_shift(fx_mul(q, f[u]), 15);
}

RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    uint64_t l1 = 0, peak = 0;
    for (int u = 0; u < N_UNITS; u++) {
        cell_coef(net, u);
        for (int k = 0; k < 2; k++) {
            uint32_t from_c = (uint32_t)net->keep[2 * k * N_UNITS + u] * F_Q26;
            uint32_t from_h = (uint32_t)fx_abs(cell_from_h(net, k, u));
            l1 = from_c + from_h > l1 ? from_c + from_h : l1;
            peak = from_c > peak ? from_c : peak;
            peak = from_h > peak ? from_h : peak;
        }
    }
    int shift = fx_block_shift(l1, peak, 2, 32767, 32767, 26 - 15);
    for (int u = 0; u < N_UNITS; u++) {
        for (int k = 0; k < 2; k++) {
            int16_t *keep = &net->keep[2 * k * N_UNITS + u];
            keep[0] = (int16_t)fx_narrow(fx_round_shift(fx_mul(keep[0], F_Q26), shift), 32767);
            keep[N_UNITS] = (int16_t)fx_narrow(fx_round_shift(cell_from_h(net, k, u), shift), 32767);
        }
    }
    net->k_exp = (int8_t)(26 - shift);
}
