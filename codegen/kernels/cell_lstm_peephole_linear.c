/* LSTM with peepholes, its linear form. Into c: g i', c f', i g'; into h: those times q, and tanh(c) o', with
 * q = dh/dc = o (1 - tanh(c)^2) + p_o tanh(c) o'; of a peephole: the same times the c that it sees.
 * A unit keeps dc/dc = f + p_i g i' + p_f c f' of its c, and passes q times that to h: both can exceed 1. */
typedef struct {
    int32_t q;       /* Q2.13, |q| <= 1 + 8/4 */
    int32_t by[4];   /* dc/d(pre-activation) of i, f, g; tanh(c) o'; Q1.14: 1/4, 2 (saturated), 1, 1/4 */
    int32_t kept[2]; /* keep of c and of h, 25 fraction bits */
} cell_slopes_t;

/* bound of keep, Q26: 1 + 8/4 + 8 * 2 = 19 < 32; times q, Q25: 57 < 64 */
RTRL_INLINE cell_slopes_t cell_slopes(const rtrl_t *net, int u)
{
    const int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    const int16_t *p_i = &net->w_hi[LSTM_PEEP], *p_f = p_i + N_UNITS, *p_o = p_f + N_UNITS;
    int16_t t = cell_squashed(net->cell[u]);
    cell_slopes_t s;
    s.by[0] = fx_round_shift(fx_mul(g[u], fx_sigmoid_slope(i[u])), 16);
    s.by[1] = fx_sat(fx_round_shift(fx_mul(net->c_old[u], fx_sigmoid_slope(f[u])), 13), 32767);
    s.by[2] = fx_round_shift(fx_mul(i[u], fx_tanh_slope(g[u])), 16);
    s.by[3] = fx_round_shift(fx_mul(t, fx_sigmoid_slope(o[u])), 16);
    s.q = fx_round_shift(fx_mul(o[u], fx_tanh_slope(t)), 17);
    s.q = fx_add(s.q, fx_round_shift(fx_mul(p_o[u], s.by[3]), 13));
    int32_t kept = fx_mul(f[u], 2048); /* check: 2048 == 2**(26 - 15) */
    kept = fx_mac(fx_mac(kept, p_i[u], s.by[0]), p_f[u], s.by[1]);
    s.kept[0] = fx_round_shift(kept, 1);
    s.kept[1] = (int32_t)fx_round_shift64((int64_t)kept * s.q, 14);
    return s;
}

/* k_exp: the block rule with L1_MAX, so a keep of more than half a word is left, and d_exp <= k_exp: one bit more
 * would take that row above L1_MAX
 * bound of the mix, COEF_FRAC + 12 = 24 fraction bits: (3 * (1/4 + 2 + 1) + 1/4) * 8 = 80 < 2^31 / 2^24 = 128 */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    uint64_t peak = 0;
    for (int u = 0; u < N_UNITS; u++) {
        cell_slopes_t s = cell_slopes(net, u);
        int16_t *coef = &net->coef[u];
        for (int gate = 0; gate < 4; gate++, coef += N_STATES) {
            coef[0] = (int16_t)(gate < 3 ? fx_round_shift(s.by[gate], 14 - COEF_FRAC) : 0);
            int32_t into_h = gate < 3 ? fx_round_shift(fx_mul(s.q, s.by[gate]), 27 - COEF_FRAC)
                                      : fx_round_shift(s.by[3], 14 - COEF_FRAC);
            coef[N_UNITS] = (int16_t)fx_sat(into_h, 32767);
        }
        for (int gate = 0; gate < 2; gate++, coef += N_STATES) {
            int32_t seen = fx_sat(fx_round_shift(fx_mul(s.by[gate], net->c_old[u]), 26 - COEF_FRAC), 32767);
            coef[0] = (int16_t)seen;
            coef[N_UNITS] = (int16_t)fx_sat(fx_round_shift(fx_mul(s.q, seen), 13), 32767);
        }
        coef[0] = 0;
        coef[N_UNITS] = (int16_t)fx_round_shift(fx_mul(s.by[3], net->cell[u]), 26 - COEF_FRAC);
        for (int k = 0; k < 2; k++) {
            uint32_t size = (uint32_t)fx_abs(s.kept[k]);
            peak = size > peak ? size : peak;
        }
    }
    int shift = fx_block_shift(peak, peak, 1, 32767, 32767, 10); /* at most 15 fraction bits of 25 */
    for (int u = 0; u < N_UNITS; u++) {
        cell_slopes_t s = cell_slopes(net, u);
        net->keep[u] = (int16_t)fx_narrow(fx_round_shift(s.kept[0], shift), 32767);
        net->keep[N_UNITS + u] = (int16_t)fx_narrow(fx_round_shift(s.kept[1], shift), 32767);
    }
    net->k_exp = (int8_t)(25 - shift);
}
