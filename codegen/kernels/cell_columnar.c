/* Columnar LSTM, one LSTM a unit: i, f, o <- sigmoid(W [x; 1] + u h), g <- tanh(W [x; 1] + u h) with the unit's own h,
 * c <- f c + i g, h <- o tanh(c)
 * w_hi: W (4, N_UNITS, N_PRE), u (4, N_UNITS) Q3.12, gates in the order i, f, g, o
 * z, gates, h, h_old: Q0.15   cell, c_old: Q3.12 */
enum { OWN = 4 * N_UNITS * N_PRE };

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->c_old, 0, sizeof net->c_old);
    memset(net->h_old, 0, sizeof net->h_old);
    memset(net->gates, 0, sizeof net->gates);
    memset(net->cell, 0, sizeof net->cell);
    memset(net->h, 0, sizeof net->h);
}

/* tanh of c, Q0.15 */
RTRL_INLINE int16_t cell_squashed(int16_t c)
{
    return fx_tanh_q27(c * 32768); /* check: 32768 == 2**(27 - 12) */
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(net->c_old, net->cell, sizeof net->cell);
    memcpy(net->h_old, net->h, sizeof net->h);
    for (int gate = 0; gate < 4; gate++) {
        for (int u = 0; u < N_UNITS; u++) {
            int r = gate * N_UNITS + u;
            int64_t sum = fx_dot64(&CELL_WEIGHTS[r * N_PRE], net->z, N_PRE);
            int32_t a = fx_sat32(fx_mac64(sum, CELL_WEIGHTS[OWN + r], net->h_old[u]));
            net->gates[r] = gate == 2 ? fx_tanh_q27(a) : fx_sigmoid_q27(a);
        }
    }
    const int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    for (int u = 0; u < N_UNITS; u++) {
        int32_t sum = fx_mac(fx_mul(i[u], g[u]) >> 3, f[u], net->c_old[u]); /* Q3.27 */
        net->cell[u] = fx_sat16(fx_round_product(sum));
        net->h[u] = (int16_t)fx_round_product(fx_mul(o[u], cell_squashed(net->cell[u])));
    }
}
