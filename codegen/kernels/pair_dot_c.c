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
                int32_t d = D[i * D_WIDTH + l];
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

#ifdef __thumb2__
enum { FOURS_WRITTEN = N_STATES >= 4 && 8 * D_WIDTH < 4096 && 4 * ACC_APART < 4096 }; /* 12 bits of an offset */

/* all fours of rows: 14 instructions for 8 products, 2 for a jump, and 10 for sums and addresses of four rows, of which
 * gcc 12 makes 33. What has no register then, where the sums go and the end of D, waits on the stack */
RTRL_INLINE void pair_fours(int32_t *acc, const int16_t *D, const j_word *v)
{
    register const int16_t *rows __asm__("r0") = D;
    register const j_word *words __asm__("r1") = v;
    register int32_t *sums __asm__("r2") = acc;
    register const int16_t *end __asm__("r3") = D + N_STATES / 4 * 4 * D_WIDTH;
    __asm__ volatile(".syntax unified\n\t"
                     "push    {r2-r11, lr}\n"
                     ".macro  word to, at:vararg\n\t"
                     ".if     %c[size] == 1\n\t"
                     "ldrsb.w \\to, \\at\n\t"
                     ".else\n\t"
                     "ldrsh.w \\to, \\at\n\t"
                     ".endif\n"
                     ".endm\n"
                     ".macro  row     first, a, b, at:vararg\n\t"
                     "ldrsh.w r12, \\at\n\t"
                     ".if     \\first\n\t"
                     "mul     \\a, r12, r10\n\t"
                     "mul     \\b, r12, r11\n\t"
                     ".else\n\t"
                     "mla     \\a, r12, r10, \\a\n\t"
                     "mla     \\b, r12, r11, \\b\n\t"
                     ".endif\n"
                     ".endm\n"
                     ".macro  rows    first\n\t"
                     "word    r11, [r1, #%c[next]]\n\t"
                     "word    r10, [r1], #%c[size]\n\t"
                     "row     \\first, r3, r7, [r0, #%c[row]]\n\t"
                     "row     \\first, r4, r8, [r0, #2 * %c[row]]\n\t"
                     "row     \\first, r5, r9, [r0, #3 * %c[row]]\n\t"
                     "row     \\first, r2, r6, [r0], #2\n"
                     ".endm\n"
                     "1:\n\t"
                     "rows    1\n\t"
                     ".rept   %c[at_once] - 1\n\t"
                     "rows    0\n\t"
                     ".endr\n\t"
                     ".if     %c[more]\n\t"
                     "add     lr, r1, #%c[more]\n"
                     "2:\n\t"
                     ".rept   %c[at_once]\n\t"
                     "rows    0\n\t"
                     ".endr\n\t"
                     "cmp     r1, lr\n\t"
                     "bne     2b\n\t"
                     ".endif\n\t"
                     "ldrd    r10, r11, [sp]\n\t"
                     "add     r12, r10, #%c[apart]\n\t"
                     "stm     r10!, {r2-r5}\n\t"
                     "stm     r12, {r6-r9}\n\t"
                     "str     r10, [sp]\n\t"
                     "sub     r1, r1, #%c[column]\n\t"
                     "add     r0, r0, #%c[skip]\n\t"
                     "cmp     r0, r11\n\t"
                     "bne     1b\n\t"
                     ".purgem word\n\t"
                     ".purgem row\n\t"
                     ".purgem rows\n\t"
                     "pop     {r2-r11, lr}"
                     : "+r"(rows), "+r"(words), "+r"(sums), "+r"(end)
                     : [size] "i"(sizeof(j_word)), [column] "i"(N_UNITS * sizeof(j_word)),
                       [next] "i"(N_STATES * sizeof(j_word)), [row] "i"(2 * D_WIDTH), [apart] "i"(4 * ACC_APART),
                       [at_once] "i"(AT_ONCE), [more] "i"((N_UNITS - AT_ONCE) * sizeof(j_word)),
                       [skip] "i"(2 * (4 * D_WIDTH - N_UNITS))
                     : "r12", "cc", "memory");
}
#endif

/* all whole groups of ROWS */
RTRL_INLINE void pair_groups(int32_t *acc, const int16_t *D, const j_word *v)
{
#ifdef __thumb2__
    if (FOURS_WRITTEN) {
        pair_fours(acc, D, v);
        return;
    }
#endif
    int32_t *end = acc + N_STATES / ROWS * ROWS;
    RTRL_IN_REGISTER(end); /* else gcc writes these lines out twice */
    for (; acc < end; D += ROWS * D_WIDTH, acc += ROWS) {
        pair_rows(acc, D, v, ROWS);
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
    const int whole = N_STATES / ROWS * ROWS, fours = N_STATES % ROWS / 4, ones = N_STATES % 4;
    const int16_t *D = &net->D[whole * D_WIDTH];
    int32_t *acc = &net->acc[whole];
    pair_groups(net->acc, net->D, columns);
    if (fours > 0) {
        pair_rows(acc, D, columns, 4);
    }
    if (ones > 0) {
        pair_rows(&acc[fours * 4], &D[fours * 4 * D_WIDTH], columns, ones);
    }
}
