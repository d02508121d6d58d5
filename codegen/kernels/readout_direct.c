/* The first N_OUT of the units shown are the outputs: y = h in the format of y. No weights. */
static void readout_init(rtrl_t *net)
{
    (void)net;
}

static void readout_predict(rtrl_t *net)
{
    for (int o = 0; o < N_OUT; o++) {
        net->y[o] = (int16_t)fx_round_shift(net->h[N_SEEN - N_SHOWN + o], Y_DOWN);
    }
}

/* credit c: e for the outputs, 0 for the other units, with one exponent for all
 * bound: after the shift sum |c| <= L1_MAX, so sum |c| |J| < 2^30 */
RTRL_INLINE void readout_credit(rtrl_t *net, int16_t c[N_SEEN], int8_t *c_exp)
{
    uint64_t l1 = 0, peak = 0;
    for (int o = 0; o < N_OUT; o++) {
        uint64_t size = (uint64_t)fx_abs(net->e[o]);
        l1 += size;
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(l1, peak, N_OUT, L1_MAX, 32767, 0);
    memset(c, 0, sizeof(int16_t) * N_SEEN);
    for (int o = 0; o < N_OUT; o++) {
        c[N_SEEN - N_SHOWN + o] = (int16_t)fx_narrow(fx_round_shift(net->e[o], shift), 32767);
    }
    *c_exp = (int8_t)(ERR_FRAC - shift);
}
