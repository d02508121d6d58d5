/* GRU, reset before: r, z <- sigmoid(W [x; 1; h]), n <- tanh(W_n [x; 1] + U (r h)), h <- (1 - z) n + z h
 * w_hi: r, z (N_UNITS, GRU_ROW), n_in (N_UNITS, N_IN + 1), n_rec (N_UNITS, N_UNITS), Q3.12
 * z: [x; 1; h; r h] Q0.15   gates: r, z, n Q0.15   h: Q0.15 */
enum {
    GRU_ROW = N_IN + 1 + N_UNITS,
    GRU_IN = 2 * N_UNITS * GRU_ROW,
    GRU_REC = GRU_IN + N_UNITS * (N_IN + 1)
};

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->gates, 0, sizeof net->gates);
    memset(net->h, 0, sizeof net->h);
}

/* bound: h is a convex combination: |(1 - z) n + z h| <= 2^15 * 32767 < 2^30 */
static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    const int in = fx_rows_words(2 * N_UNITS, GRU_ROW), rec = in + N_UNITS * (N_IN + 1); /* where n_in, n_rec begin */
    int16_t *r = net->gates, *z = r + N_UNITS, *n = z + N_UNITS;
    const int16_t *old = &net->z[N_IN + 1];
    int16_t *rh = &net->z[GRU_ROW];
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    fx_sigmoid_rows(net->gates, CELL_WEIGHTS, net->z, 2 * N_UNITS, GRU_ROW);
    for (int u = 0; u < N_UNITS; u++) {
        rh[u] = (int16_t)fx_round_product(fx_mul(r[u], old[u]));
    }
    for (int u = 0; u < N_UNITS; u++) {
        int64_t a = fx_dot64(&CELL_WEIGHTS[in + u * (N_IN + 1)], net->z, N_IN + 1);
        n[u] = fx_tanh_q27(fx_sat32(a + fx_dot64(&CELL_WEIGHTS[rec + u * N_UNITS], rh, N_UNITS)));
        net->h[u] = (int16_t)fx_round_product(fx_mac(fx_mul(32768 - z[u], n[u]), z[u], old[u]));
    }
}
