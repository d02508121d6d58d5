/* LSTM with peepholes: i, f <- sigmoid(W z + p c), g <- tanh(W z), c <- f c + i g, o <- sigmoid(W z + p c),
 * h <- o tanh(c), z = [x; 1; h]
 * w_hi: (4, N_UNITS, N_PRE), gates in the order i, f, g, o, then p_i, p_f, p_o (N_UNITS), Q3.12
 * z, gates, h: Q0.15   cell, c_old: Q3.12 */
enum { LSTM_PEEP = 4 * N_UNITS * N_PRE };

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->c_old, 0, sizeof net->c_old);
    memset(net->gates, 0, sizeof net->gates);
    memset(net->cell, 0, sizeof net->cell);
    memset(net->h, 0, sizeof net->h);
}

/* tanh of c, Q0.15 */
RTRL_INLINE int16_t cell_squashed(int16_t c)
{
    return (int16_t)fx_round_product(fx_tanh_q30(c * 32768)); /* check: 32768 == 2**(27 - 12) */
}

/* W z of one gate and unit, exact, 27 fraction bits */
RTRL_INLINE int64_t cell_sum(const rtrl_t *net, int gate, int u)
{
    return fx_dot64(&CELL_WEIGHTS[(gate * N_UNITS + u) * N_PRE], net->z, N_PRE);
}

/* p c, 27 fraction bits; peephole 0, 1, 2: i, f, o */
RTRL_INLINE int64_t cell_peep(const rtrl_t *net, int peephole, int u, int16_t c)
{
    (void)net;
    return (int64_t)fx_mul(CELL_WEIGHTS[LSTM_PEEP + peephole * N_UNITS + u], c) * 8; /* check: 8 == 2**(27 - 2 * 12) */
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    memcpy(net->c_old, net->cell, sizeof net->cell);
    for (int u = 0; u < N_UNITS; u++) {
        int16_t old = net->c_old[u];
        i[u] = fx_sigmoid_q27(fx_sat32(cell_sum(net, 0, u) + cell_peep(net, 0, u, old)));
        f[u] = fx_sigmoid_q27(fx_sat32(cell_sum(net, 1, u) + cell_peep(net, 1, u, old)));
        g[u] = fx_tanh_q27(fx_sat32(cell_sum(net, 2, u)));
        int32_t sum = fx_mac(fx_mul(i[u], g[u]) >> 3, f[u], old); /* Q3.27 */
        net->cell[u] = fx_sat16(fx_round_product(sum));
        o[u] = fx_sigmoid_q27(fx_sat32(cell_sum(net, 3, u) + cell_peep(net, 2, u, net->cell[u])));
        net->h[u] = (int16_t)fx_round_product(fx_mul(o[u], cell_squashed(net->cell[u])));
    }
}
