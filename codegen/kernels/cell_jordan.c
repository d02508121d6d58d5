/* Jordan network: s <- decay s + (1 - decay) clip(y), h <- tanh(W [x; 1; s]), y <- V [h; 1]
 * w_hi: W (N_HIDDEN, Z_HIDDEN), V (N_OUT, N_HIDDEN + 1), Q3.12   z: [x; 1; s | h; 1], Q0.15   h: [s; y], Q3.12
 * the sums are exact in 64 bits, 27 fraction bits; y saturates */
enum { JORDAN_ONE = 4096, V_ROW = N_HIDDEN + 1 }; /* check: 4096 == 2**12 */

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->fed, 0, sizeof net->fed);
    memset(net->h, 0, sizeof net->h);
    net->taught = 0;
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    int16_t *s = net->h, *y = &net->h[N_OUT], *hidden = &net->z[Z_HIDDEN];
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    for (int o = 0; o < N_OUT; o++) {
        int32_t back = y[o] > JORDAN_ONE ? JORDAN_ONE : y[o] < -JORDAN_ONE ? -JORDAN_ONE : y[o];
        net->fed[o] = !net->taught && y[o] > -JORDAN_ONE && y[o] < JORDAN_ONE;
        /* convex: |s| <= JORDAN_ONE again */
        s[o] = (int16_t)fx_round_product(fx_mac(fx_mul(CONTEXT_DECAY, s[o]), 32768 - CONTEXT_DECAY, back));
        net->z[N_IN + 1 + o] = (int16_t)fx_sat(s[o] * 8, 32767); /* check: 8 == 2**(15 - 12) */
    }
    net->taught = 0;
    const int16_t *V = &CELL_WEIGHTS[fx_rows_words(N_HIDDEN, Z_HIDDEN)];
    fx_tanh_rows(hidden, CELL_WEIGHTS, net->z, N_HIDDEN, Z_HIDDEN);
    hidden[N_HIDDEN] = ONE_Q15;
    for (int o = 0; o < N_OUT; o++) {
        y[o] = fx_sat16(fx_round_shift(fx_dot32(&V[o * V_ROW], hidden, V_ROW), 15));
    }
}
