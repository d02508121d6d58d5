/* Products with a column of J, plain C. A variant of this file for other instructions gives the same bits,
 * because no sum can overflow: sum |a| |J| < 2^30 by the L1 norm of a row (fx_block_shift).
 * acc: (N_STATES), added to   D: (N_STATES, N_UNITS), row-major   column: (N_UNITS), the last component */
RTRL_INLINE void d_put(int16_t *D, int r, int l, int32_t word)
{
    D[r * N_UNITS + l] = (int16_t)word;
}

RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS])
{
    enum { FOURS = N_STATES / 4 * 4 };
    for (int k = 0; k < FOURS; k += 4) { /* four rows at a time: each entry of the column is loaded once for them */
        const int16_t *a = &D[k * N_UNITS], *b = a + N_UNITS, *c = b + N_UNITS, *d = c + N_UNITS;
        int32_t a_sum = acc[k], b_sum = acc[k + 1], c_sum = acc[k + 2], d_sum = acc[k + 3];
        for (int l = 0; l < N_UNITS; l++) {
            a_sum = fx_mac(a_sum, a[l], column[l]);
            b_sum = fx_mac(b_sum, b[l], column[l]);
            c_sum = fx_mac(c_sum, c[l], column[l]);
            d_sum = fx_mac(d_sum, d[l], column[l]);
        }
        acc[k] = a_sum;
        acc[k + 1] = b_sum;
        acc[k + 2] = c_sum;
        acc[k + 3] = d_sum;
    }
    for (int k = FOURS; k < N_STATES; k++) {
        int32_t sum = acc[k];
        for (int l = 0; l < N_UNITS; l++) {
            sum = fx_mac(sum, D[k * N_UNITS + l], column[l]);
        }
        acc[k] = sum;
    }
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    int32_t sum = 0;
    for (int k = 0; k < N_SEEN; k++) {
        sum = fx_mac(sum, c[k], column[k]);
    }
    return sum;
}
