/* Products with a column of J, plain C. A variant of this file for other instructions gives the same bits,
 * because no sum can overflow: sum |a| |J| < 2^30 by the L1 norm of a row (fx_block_shift).
 * D: (N_STATES, D_WIDTH), row-major; a word behind each odd row lets all begin at a multiple of 4
 * column: (N_UNITS), the last component */
enum { D_WIDTH = (N_UNITS + 1) / 2 * 2 };

RTRL_INLINE void d_put(int16_t *D, int r, int l, int32_t word)
{
    D[r * D_WIDTH + l] = (int16_t)word;
}

/* acc: (N_STATES), of which those from `first` on are added to */
RTRL_INLINE void dot_rows(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS], int first)
{
    for (int k = first; k < N_STATES; k++) {
        int32_t sum = acc[k];
        for (int l = 0; l < N_UNITS; l++) {
            sum = fx_mac(sum, D[k * D_WIDTH + l], column[l]);
        }
        acc[k] = sum;
    }
}

RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS])
{
    dot_rows(acc, D, column, 0);
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    int32_t sum = 0;
    for (int k = 0; k < N_SEEN; k++) {
        sum = fx_mac(sum, c[k], column[k]);
    }
    return sum;
}
