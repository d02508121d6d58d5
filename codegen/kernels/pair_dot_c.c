/* acc <- 0, word by word: of a plain loop compilers make a call of memset, which in a small libc goes byte by byte */
RTRL_INLINE void pair_start(volatile int32_t acc[ACC_APART])
{
#pragma GCC unroll 4
    for (int k = 0; k < ACC_APART; k++) {
        acc[k] = 0;
    }
}

enum { ROWS = 4 };

/* Four rows of D and two columns: six words are loaded for eight products.
 * acc: four sums, and ACC_APART behind them those of the other column   D: four rows   v: (N_UNITS), N_STATES apart */
RTRL_INLINE void pair_rows(int32_t *acc, uint32_t bits[2], const int16_t *D, const j_word *v)
{
    int32_t a[ROWS], b[ROWS];
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i++) {
        a[i] = acc[i];
        b[i] = acc[ACC_APART + i];
    }
    for (int l = 0; l < N_UNITS; l++) {
        int32_t first = v[l], second = v[N_STATES + l];
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++) {
            int32_t d = D[i * N_UNITS + l];
            a[i] = fx_mac(a[i], d, first);
            b[i] = fx_mac(b[i], d, second);
        }
#pragma GCC unroll 4
        for (int i = 0; i < ROWS; i++) {
            RTRL_IN_REGISTER(a[i]);
            RTRL_IN_REGISTER(b[i]);
        }
    }
    bits[0] |= column_bits(a, ROWS);
    bits[1] |= column_bits(b, ROWS);
#pragma GCC unroll 4
    for (int i = 0; i < ROWS; i++) {
        acc[i] = a[i];
        acc[ACC_APART + i] = b[i];
    }
}

/* acc += D J of `count` columns, one or two, that lie side by side; `columns`: the last component of the first
 * acc: (2, ACC_APART), of which N_STATES count   bits: of each column (column_bits), ORed to what they hold
 * No order of additions can change a bit: no sum can overflow (rule_rtrl.c). */
RTRL_APART void pair_dot(rtrl_t *net, uint32_t bits[2], const j_word *columns, int count)
{
    int k = 0;
    for (; k + ROWS <= N_STATES && count == 2; k += ROWS) {
        pair_rows(&net->acc[k], bits, &net->D[k * N_UNITS], columns);
    }
    for (int c = 0; c < count && k < N_STATES; c++) {
        int32_t *acc = &net->acc[c * ACC_APART];
        dot_rows(acc, net->D, &columns[c * N_STATES], k);
        bits[c] |= column_bits(&acc[k], N_STATES - k);
    }
}
