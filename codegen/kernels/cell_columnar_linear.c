/* Columnar LSTM, the linear form of one unit: coefficients Q1.14 of the gates as of LSTM, and times h_old for their recurrent
 * weights; a unit keeps ((f, A), (q f, q A + B)) of its (c, h), A and B sums of coefficient x recurrent weight.
 * bound, Q26: |A|, |q A + B| <= (1/4 + 2 + 1 + 1/4) * 8 = 28 < 2^31 / 2^26 = 32; f, q f < 1 */
enum { F_Q26 = 2048 }; /* check: 2048 == 2**(26 - 15) */

/* the gates' coefficients of one unit, and, Q0.15, what it keeps of its c */
RTRL_INLINE void cell_coef(int16_t coef[N_BLOCKS * N_COMPONENTS], int16_t kept[2], const rtrl_t *net, int u)
{
    const int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    int16_t t = cell_squashed(net->cell[u]);
    int32_t q = fx_round_product(fx_mul(o[u], fx_tanh_slope(t)));
    int32_t into_c[4] = {
        fx_round_shift(fx_mul(g[u], fx_sigmoid_slope(i[u])), 16),
        fx_sat(fx_round_shift(fx_mul(net->c_old[u], fx_sigmoid_slope(f[u])), 13), 32767),
        fx_round_shift(fx_mul(i[u], fx_tanh_slope(g[u])), 16),
        0,
    };
#pragma GCC unroll 4
    for (int gate = 0; gate < 4; gate++) {
        int16_t *of = &coef[gate * 2], *own = of + 8;
        of[0] = (int16_t)into_c[gate];
        of[1] = (int16_t)fx_round_shift(gate < 3 ? fx_mul(q, into_c[gate]) : fx_mul(t, fx_sigmoid_slope(o[u])),
                                        gate < 3 ? 15 : 16);
        own[0] = (int16_t)fx_round_product(fx_mul(of[0], net->h_old[u]));
        own[1] = (int16_t)fx_round_product(fx_mul(of[1], net->h_old[u]));
    }
    kept[0] = f[u];
    kept[1] = (int16_t)fx_round_product(fx_mul(q, f[u]));
}

/* what component k of a unit keeps of its h, from the gates' coefficients */
RTRL_INLINE int32_t cell_from_h(const int16_t coef[N_BLOCKS * N_COMPONENTS], const rtrl_t *net, int k, int u)
{
    int32_t sum = 0;
#pragma GCC unroll 4
    for (int gate = 0; gate < 4; gate++) {
        sum = fx_mac(sum, coef[gate * 2 + k], net->w_hi[OWN + gate * N_UNITS + u]);
    }
    return sum;
}

RTRL_INLINE void cell_exponent(rtrl_t *net)
{
    uint64_t l1 = 0, peak = 0;
    for (int u = 0; u < N_UNITS; u++) {
        int16_t coef[N_BLOCKS * N_COMPONENTS], kept[2];
        cell_coef(coef, kept, net, u);
        for (int k = 0; k < 2; k++) {
            uint32_t from_c = (uint32_t)kept[k] * F_Q26;
            uint32_t from_h = (uint32_t)fx_abs(cell_from_h(coef, net, k, u));
            l1 = from_c + from_h > l1 ? from_c + from_h : l1;
            peak = from_c > peak ? from_c : peak;
            peak = from_h > peak ? from_h : peak;
        }
    }
    net->k_exp = (int8_t)(26 - fx_block_shift(l1, peak, 2, 32767, 32767, 26 - 15));
}

RTRL_INLINE int unit_exp(const rtrl_t *net)
{
    return net->k_exp;
}

RTRL_INLINE void cell_unit(unit_t *unit, const rtrl_t *net, int u)
{
    int16_t kept[2];
    int shift = 26 - net->k_exp;
    cell_coef(unit->coef, kept, net, u);
#pragma GCC unroll 2
    for (int k = 0; k < 2; k++) {
        unit->keep[2 * k] = (int16_t)fx_narrow(fx_round_shift(fx_mul(kept[k], F_Q26), shift), 32767);
        unit->keep[2 * k + 1] = (int16_t)fx_narrow(fx_round_shift(cell_from_h(unit->coef, net, k, u), shift), 32767);
    }
}
