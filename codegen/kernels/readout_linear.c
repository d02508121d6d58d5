/* Linear readout: y = V [h; 1], h what it sees: the last N_SHOWN words of the cell's
 * v_hi: (N_OUT, N_SHOWN + 1) Q3.12   h: Q0.15   the sum is exact in 64 bits, y saturates */
static void readout_init(rtrl_t *net)
{
    memcpy(net->v_hi, factory_v_hi, sizeof net->v_hi);
    memcpy(net->v_lo, factory_v_lo, sizeof net->v_lo);
}

static void readout_predict(rtrl_t *net)
{
    for (int o = 0; o < N_OUT; o++) {
        const int16_t *row = &net->v_hi[o * N_ROW];
        int64_t sum = fx_mac64(fx_dot64(row, &net->h[N_SEEN - N_SHOWN], N_SHOWN), row[N_SHOWN], ONE_Q15);
        net->y[o] = fx_sat16(fx_round_shift(fx_sat32(sum), 27 - Y_FRAC));
    }
}

/* dL/dh[k] = sum_o e[o] V[o][k], exact, ERR_FRAC + 12 fraction bits */
RTRL_INLINE int64_t readout_credit_sum(const rtrl_t *net, int k)
{
    int64_t sum = 0;
    for (int o = 0; o < N_OUT; o++) {
        sum = fx_mac64(sum, net->e[o], net->v_hi[o * N_ROW + k]);
    }
    return sum;
}

/* credit c = dL/dh, rounded to int16 with one exponent for all
 * bound: after the shift sum |c| <= L1_MAX, so sum |c| |J| < 2^30. The sums are computed twice: an array of
 * them would make the stack grow with the model */
RTRL_INLINE void readout_credit(rtrl_t *net, int16_t c[N_SEEN], int8_t *c_exp)
{
    uint64_t l1 = 0, peak = 0;
    for (int k = 0; k < N_SHOWN; k++) {
        int64_t sum = readout_credit_sum(net, k);
        uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
        l1 += size;
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(l1, peak, N_SHOWN, L1_MAX, 32767, 0);
    memset(c, 0, sizeof(int16_t) * (N_SEEN - N_SHOWN)); /* layers that the readout does not see */
    for (int k = 0; k < N_SHOWN; k++) {
        int64_t sum = readout_credit_sum(net, k);
        int32_t word = N_OUT == 1 ? fx_round_shift((int32_t)sum, shift) : (int32_t)fx_round_shift64(sum, shift);
        c[N_SEEN - N_SHOWN + k] = (int16_t)fx_narrow(word, 32767);
    }
    *c_exp = (int8_t)(ERR_FRAC + 12 - shift);
}
