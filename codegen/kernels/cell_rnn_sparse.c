/* Elman cell with sparse recurrent weights: h <- tanh(W_in [x; 1] + W_rec h)
 * w_hi: (N_UNITS, N_IN + 1), then W_rec where rtrl_pattern has weights, Q3.12   z, h: Q0.15
 * the sum is exact in 64 bits, 27 fraction bits */
enum { REC_AT = N_UNITS * (N_IN + 1) };

static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->h, 0, sizeof net->h);
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    const int16_t *old = &net->z[N_IN + 1], *rec = &CELL_WEIGHTS[REC_AT];
    for (int i = 0; i < N_UNITS; i++) {
        int64_t sum = fx_dot64(&CELL_WEIGHTS[i * (N_IN + 1)], net->z, N_IN + 1);
        for (int e = (int)rtrl_pattern_at[i]; e < (int)rtrl_pattern_at[i + 1]; e++) {
            sum = fx_mac64(sum, rec[e], old[rtrl_pattern[e]]);
        }
        net->h[i] = fx_tanh_q27(fx_sat32(sum));
    }
}
