/* Elman cell: h <- tanh(W [x; 1; h])
 * w_hi: (N_UNITS, N_PRE) Q3.12   z, h: Q0.15   the sum is exact in 64 bits, 27 fraction bits */
RTRL_INLINE void cell_forward(int16_t h[N_UNITS], int16_t z[N_PRE], const int16_t x[N_IN], const int16_t w_hi[N_COLUMNS])
{
    memcpy(z, x, sizeof(int16_t) * N_IN);
    z[N_IN] = ONE_Q15;
    memcpy(&z[N_IN + 1], h, sizeof(int16_t) * N_UNITS);
    for (int i = 0; i < N_UNITS; i++) {
        int64_t sum = 0;
        for (int j = 0; j < N_PRE; j++) {
            sum = fx_mac64(sum, w_hi[i * N_PRE + j], z[j]);
        }
        h[i] = fx_tanh_q27(sum);
    }
}

/* slope[i] = 1 - h[i]^2, Q0.15, of the h that the table gave */
RTRL_INLINE void cell_slope(int16_t slope[N_UNITS], const int16_t h[N_UNITS])
{
    for (int i = 0; i < N_UNITS; i++) {
        slope[i] = (int16_t)fx_sat(32768 - fx_round_shift(fx_mul(h[i], h[i]), 15), 32767);
    }
}

/* D[k][l] = slope[k] * W[k][l], rounded with one exponent for the whole matrix; returns that exponent, <= 15
 * bound: |slope w| <= 32767 * 32768 < 2^30; after the shift no row of D has an L1 norm above L1_MAX, so
 * sum |D| |J| < 2^30, and no entry exceeds D_MAX */
RTRL_INLINE int8_t cell_dynamics(d_word D[N_UNITS * N_UNITS], const int16_t slope[N_UNITS], const int16_t w_hi[N_COLUMNS])
{
    enum { LEAST = 12 }; /* check: 27 - 12 == 15, the largest exponent */
    uint64_t l1 = 0;
    uint32_t peak = 0;
    for (int k = 0; k < N_UNITS; k++) {
        const int16_t *row = &w_hi[k * N_PRE + N_IN + 1];
        uint32_t row_l1 = 0, row_peak = 0;
        for (int l = 0; l < N_UNITS; l++) {
            uint32_t size = (uint32_t)fx_abs(row[l]);
            row_l1 += size;
            row_peak = size > row_peak ? size : row_peak;
        }
        uint64_t k_l1 = (uint64_t)(uint32_t)slope[k] * row_l1;
        uint32_t k_peak = (uint32_t)slope[k] * row_peak;
        l1 = k_l1 > l1 ? k_l1 : l1;
        peak = k_peak > peak ? k_peak : peak;
    }
    int shift = fx_block_shift(l1, peak, N_UNITS, L1_MAX, D_MAX, LEAST);
    for (int k = 0; k < N_UNITS; k++) {
        for (int l = 0; l < N_UNITS; l++) {
            int32_t d = fx_mul(slope[k], w_hi[k * N_PRE + N_IN + 1 + l]);
            D[k * N_UNITS + l] = (d_word)fx_narrow(fx_round_shift(d, shift), D_MAX);
        }
    }
    return (int8_t)(27 - shift);
}

/* immediate term of column (i, j): d h_i / d W[i][j] = slope[i] z[j], 30 fraction bits, in row i only */
RTRL_INLINE int32_t cell_immediate(const int16_t slope[N_UNITS], const int16_t z[N_PRE], int i, int j)
{
    return fx_mul(slope[i], z[j]);
}
