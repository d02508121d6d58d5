/* Products of rows with a vector, four rows at a time: each entry of the vector is loaded once for them. Plain C; a
 * variant of this file for other instructions gives the same bits, because no sum can overflow: sum |a| |v| < 2^30,
 * by the L1 norm of a row or of D's columns (fx_block_shift). */

/* acc: (rows)   a: (rows, N_STATES)   v: (N_STATES) */
RTRL_INLINE void rows_dot(int32_t *acc, const int16_t *a, int rows, const int16_t v[N_STATES])
{
    int fours = rows / 4 * 4;
    for (int k = 0; k < fours; k += 4) {
        const int16_t *b = a + N_STATES, *c = b + N_STATES, *d = c + N_STATES;
        int32_t a_sum = 0, b_sum = 0, c_sum = 0, d_sum = 0;
        for (int l = 0; l < N_STATES; l++) {
            a_sum = fx_mac(a_sum, a[l], v[l]);
            b_sum = fx_mac(b_sum, b[l], v[l]);
            c_sum = fx_mac(c_sum, c[l], v[l]);
            d_sum = fx_mac(d_sum, d[l], v[l]);
        }
        acc[k] = a_sum;
        acc[k + 1] = b_sum;
        acc[k + 2] = c_sum;
        acc[k + 3] = d_sum;
        a = d + N_STATES;
    }
    for (int k = fours; k < rows; k++, a += N_STATES) {
        int32_t sum = 0;
        for (int l = 0; l < N_STATES; l++) {
            sum = fx_mac(sum, a[l], v[l]);
        }
        acc[k] = sum;
    }
}

/* acc: (N_STATES)   a: rows of BLOCK words, N_BLOCKS * N_NEURONS * BLOCK words apart   v: (BLOCK) */
RTRL_INLINE void rows_dot_steps(int32_t acc[N_STATES], const j_word *a, const int16_t v[BLOCK])
{
    enum { APART = N_BLOCKS * N_NEURONS * BLOCK, FOURS = N_STATES / 4 * 4 };
    for (int k = 0; k < FOURS; k += 4) {
        const j_word *b = a + APART, *c = b + APART, *d = c + APART;
        int32_t a_sum = 0, b_sum = 0, c_sum = 0, d_sum = 0;
        for (int u = 0; u < BLOCK; u++) {
            a_sum = fx_mac(a_sum, a[u], v[u]);
            b_sum = fx_mac(b_sum, b[u], v[u]);
            c_sum = fx_mac(c_sum, c[u], v[u]);
            d_sum = fx_mac(d_sum, d[u], v[u]);
        }
        acc[k] = a_sum;
        acc[k + 1] = b_sum;
        acc[k + 2] = c_sum;
        acc[k + 3] = d_sum;
        a = d + APART;
    }
    for (int k = FOURS; k < N_STATES; k++, a += APART) {
        int32_t sum = 0;
        for (int u = 0; u < BLOCK; u++) {
            sum = fx_mac(sum, a[u], v[u]);
        }
        acc[k] = sum;
    }
}
