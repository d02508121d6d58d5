/* LSTM: i, f, o <- sigmoid(W z), g <- tanh(W z), c <- f c + i g, h <- o tanh(c), z = [x; 1; h]
 * w_hi: (4, N_UNITS, N_PRE) Q3.12, gates in the order i, f, g, o   z, gates, h: Q0.15   cell, c_old: Q3.12 */
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

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    memcpy(net->c_old, net->cell, sizeof net->cell);
    int16_t *i = net->gates, *f = i + N_UNITS, *g = f + N_UNITS, *o = g + N_UNITS;
    for (int u = 0; u < N_UNITS; u++) {
        int32_t a[4];
        fx_four_dots32(a, &CELL_WEIGHTS[fx_group_at(u, N_PRE)], N_UNITS * N_PRE, net->z, N_PRE);
        fx_lstm_gates(&i[u], N_UNITS, a);
        int32_t sum = fx_mac(fx_mul(i[u], g[u]) >> 3, f[u], net->c_old[u]); /* Q3.27 */
        net->cell[u] = fx_sat16(fx_round_product(sum));
        net->h[u] = (int16_t)fx_round_product(fx_mul(o[u], cell_squashed(net->cell[u])));
    }
}
