/* Linear readout: y = V [h; 1]
 * v_hi: (N_OUT, N_UNITS + 1) Q3.12   h: Q0.15   the sum is exact in 64 bits, y saturates */
RTRL_INLINE void readout_predict(int16_t y[N_OUT], const int16_t h[N_UNITS], const int16_t v_hi[N_OUT * N_ROW])
{
    for (int o = 0; o < N_OUT; o++) {
        const int16_t *row = &v_hi[o * N_ROW];
        int64_t sum = fx_mac64(0, row[N_UNITS], ONE_Q15);
        for (int k = 0; k < N_UNITS; k++) {
            sum = fx_mac64(sum, row[k], h[k]);
        }
        y[o] = (int16_t)fx_sat64(fx_round_shift64(sum, 27 - Y_FRAC), 32767);
    }
}

/* dL/dh[k] = sum_o e[o] V[o][k], exact, Y_FRAC + 12 fraction bits */
RTRL_INLINE int64_t readout_credit_sum(const int16_t e[N_OUT], const int16_t v_hi[N_OUT * N_ROW], int k)
{
    int64_t sum = 0;
    for (int o = 0; o < N_OUT; o++) {
        sum = fx_mac64(sum, e[o], v_hi[o * N_ROW + k]);
    }
    return sum;
}

/* credit c = dL/dh, rounded to int16 with one exponent for all; returns that exponent
 * bound: after the shift sum |c| <= L1_MAX, so sum |c| |J| < 2^30. The sums are computed twice: an array of
 * them would make the stack grow with the model */
RTRL_INLINE int8_t readout_credit(int16_t c[N_UNITS], const int16_t e[N_OUT], const int16_t v_hi[N_OUT * N_ROW])
{
    uint64_t l1 = 0, peak = 0;
    for (int k = 0; k < N_UNITS; k++) {
        int64_t sum = readout_credit_sum(e, v_hi, k);
        uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
        l1 += size;
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(l1, peak, N_UNITS, L1_MAX, 32767, 0);
    for (int k = 0; k < N_UNITS; k++) {
        int64_t sum = fx_round_shift64(readout_credit_sum(e, v_hi, k), shift);
        c[k] = (int16_t)fx_narrow((int32_t)sum, 32767);
    }
    return (int8_t)(Y_FRAC + 12 - shift);
}

/* V <- V - rate * clip(e [h; 1]^T)   |e h| <= 2^30, Y_FRAC + 15 fraction bits */
RTRL_INLINE void readout_learn(int16_t v_hi[N_OUT * N_ROW], w_lo_word v_lo[N_OUT * N_ROW], const int16_t e[N_OUT], const int16_t h[N_UNITS])
{
    for (int o = 0; o < N_OUT; o++) {
        for (int k = 0; k < N_ROW; k++) {
            int32_t g = fx_mul(e[o], k < N_UNITS ? h[k] : ONE_Q15);
            optimiser_step(&v_hi[o * N_ROW + k], &v_lo[o * N_ROW + k], g, Y_FRAC + 15 - (W_FRAC - V_RATE), V_LIMIT);
        }
    }
}
