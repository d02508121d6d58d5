/* Element-wise LSTM: f <- sigmoid(F [x; 1] + w_f c), z <- tanh(Z [x; 1] + w_z c), c <- f c + (1 - f) z,
 * o <- sigmoid(O [x; 1] + W_o c), h <- o c
 * w_hi: F, Z (N_UNITS, N_PRE), w_f, w_z (N_UNITS), O, W_o (N_UNITS, N_PRE + N_UNITS), Q3.12
 * z (the input), gates (f, z, o), cell, h: Q0.15 */
enum { OWN_F = 2 * N_UNITS * N_PRE, OWN_Z = OWN_F + N_UNITS, GATE_ROW = N_PRE + N_UNITS };

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->c_old, 0, sizeof net->c_old);
    memset(net->gates, 0, sizeof net->gates);
    memset(net->cell, 0, sizeof net->cell);
    memset(net->h, 0, sizeof net->h);
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(net->c_old, net->cell, sizeof net->cell);
    int16_t *f = net->gates, *z = f + N_UNITS, *o = z + N_UNITS;
    const int16_t *F = CELL_WEIGHTS, *Z = F + N_UNITS * N_PRE, *O = &CELL_WEIGHTS[N_GATED];
    for (int i = 0; i < N_UNITS; i++) {
        int32_t c = net->c_old[i];
        f[i] = fx_sigmoid_q27(fx_sat32(fx_mac64(fx_dot64(&F[i * N_PRE], net->z, N_PRE), CELL_WEIGHTS[OWN_F + i], c)));
        z[i] = fx_tanh_q27(fx_sat32(fx_mac64(fx_dot64(&Z[i * N_PRE], net->z, N_PRE), CELL_WEIGHTS[OWN_Z + i], c)));
        /* convex: |.| <= 2^15 max(|c|, |z|) <= 2^15 (2^15 - 1) */
        int32_t sum = fx_mac(fx_mul(f[i], c), 32768 - f[i], z[i]);
        net->cell[i] = (int16_t)fx_narrow(fx_round_product(sum), 32767);
    }
    for (int i = 0; i < N_UNITS; i++) {
        const int16_t *row = &O[i * GATE_ROW];
        o[i] = fx_sigmoid_q27(fx_sat32(fx_dot64(row, net->z, N_PRE) + fx_dot64(&row[N_PRE], net->cell, N_UNITS)));
        net->h[i] = (int16_t)fx_round_product(fx_mul(o[i], net->cell[i]));
    }
}
