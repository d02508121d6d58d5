/* rows at a time: as many as have registers for their sums of two columns */
#ifdef __riscv
enum { ROWS = 8 };
#else
enum { ROWS = 4 };
#endif
/* words of a row and a column between two jumps */
enum { AT_ONCE = N_UNITS % 4 == 0 ? 4 : N_UNITS % 2 == 0 ? 2 : 1 };

/* fx_mac of a sum that stays in its register: of plain C gcc 12 moves sums about, or keeps them in memory */
RTRL_INLINE int32_t pair_mac(int32_t acc, int32_t a, int32_t b)
{
#if defined __thumb2__
    __asm__ volatile("mla %0, %1, %2, %0" : "+r"(acc) : "r"(a), "r"(b));
#elif defined __riscv_mul
    int32_t product;
    __asm__ volatile("mul %1, %2, %3\n\tadd %0, %0, %1" : "+r"(acc), "=&r"(product) : "r"(a), "r"(b));
#else
    acc = fx_mac(acc, a, b);
    RTRL_IN_REGISTER(acc);
#endif
    return acc;
}

/* A few rows of D and two columns: of four rows six words are loaded for eight products, of eight ten for sixteen.
 * acc: the sums, and ACC_APART behind them those of the other column   D: the rows   v: (N_UNITS), N_STATES apart */
RTRL_INLINE void pair_rows(int32_t *acc, const int16_t *D, const j_word *v, const int rows)
{
    int32_t a[ROWS] = { 0 }, b[ROWS] = { 0 };
    for (int end = 0; end < N_UNITS; end += AT_ONCE, D += AT_ONCE, v += AT_ONCE) {
#pragma GCC unroll 4
        for (int l = 0; l < AT_ONCE; l++) {
            int32_t first = v[l], second = v[N_STATES + l];
#pragma GCC unroll 8
            for (int i = 0; i < rows; i++) {
                int32_t d = D[i * N_UNITS + l];
                a[i] = pair_mac(a[i], d, first);
                b[i] = pair_mac(b[i], d, second);
            }
        }
    }
#pragma GCC unroll 8
    for (int i = 0; i < rows; i++) {
        acc[i] = a[i];
        acc[ACC_APART + i] = b[i];
    }
}

/* acc <- D J of `count` columns, one or two, that lie side by side; `columns`: the last component of the first
 * acc: (2, ACC_APART), of which N_STATES count. No order of additions can change a bit: no sum can overflow (L1_MAX). */
RTRL_APART void pair_dot(rtrl_t *net, const j_word *columns, int count)
{
    if (count == 1) {
        for (int k = 0; k < N_STATES; k++) {
            net->acc[k] = 0;
        }
        dot_dynamics(net->acc, net->D, columns);
        return;
    }
    const int fours = N_STATES % ROWS / 4, ones = N_STATES % 4;
    const int16_t *D = net->D;
    int32_t *acc = net->acc, *end = acc + N_STATES / ROWS * ROWS;
    RTRL_IN_REGISTER(end); /* else gcc writes these lines out twice */
    for (; acc < end; D += ROWS * N_UNITS, acc += ROWS) {
        pair_rows(acc, D, columns, ROWS);
    }
    if (fours > 0) {
        pair_rows(acc, D, columns, 4);
    }
    if (ones > 0) {
        pair_rows(&acc[fours * 4], &D[fours * 4 * N_UNITS], columns, ones);
    }
}
