/* rtrl_columns_c.c for the Arm DSP extension: two columns at a time, whose sums lie side by side.
 * J_p: (N_STATES) * 2^-column_exp   D: * 2^-d_exp   acc: (ACC_APART, 2) int32 * 2^-(d_exp + column_exp)
 * bound: |D J| + |keep J| < 2^30 (L1_MAX), immediate <= 2^30, so every part of the sum fits in any order */

typedef struct {
    int32_t a;
    int32_t b;
} pair_two; /* one of each column */

/* both columns from their sums, where nothing is out of the ordinary; returns c^T J of each
 * factor: 2^(32 - s) of each, which goes down by s in 2..31 */
RTRL_INLINE RTRL_UNUSED pair_two pair_store_any(j_word *J, const int32_t *acc, pair_two factor, const int16_t *c)
{
    pair_two g = { 0, 0 };
    for (int k = 0; k < N_STATES; k++, acc += 2) {
        int32_t a = dsp_sat(dsp_mul_high(acc[0], factor.a)), b = dsp_sat(dsp_mul_high(acc[1], factor.b));
        J[k] = (j_word)a;
        J[N_STATES + k] = (j_word)b;
        if (k >= N_STATES - N_SEEN) {
            int32_t credit = c[k - (N_STATES - N_SEEN)];
            g.a = fx_mac(g.a, credit, a);
            g.b = fx_mac(g.b, credit, b);
        }
    }
    return g;
}

/* the same of rows by four: two of each column are a pair, stored together and multiplied together with the credit */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE pair_two pair_store_fours(j_word *J, const int32_t *acc, pair_two factor, const int16_t *c)
{
    register void *to __asm__("r0") = J;
    register const void *sums __asm__("r1") = acc;
    register const int16_t *credit __asm__("r2") = c;
    register int32_t a_factor __asm__("r3") = factor.a;
    register int32_t b_factor __asm__("r12") = factor.b;
    __asm__ volatile("push    {r4-r11, lr}\n\t"
                     "movs    r4, #0\n\t"
                     "movs    r5, #0\n\t"
                     "mov     r10, r0\n\t"
                     ".macro  two_rows a, b\n\t" /* their words, saturated, as a pair of each column */
                     "ldm     r1!, {r6-r9}\n\t"
                     "smmulr  r6, r6, r3\n\t"
                     "smmulr  r7, r7, r12\n\t"
                     "smmulr  r8, r8, r3\n\t"
                     "smmulr  r9, r9, r12\n\t"
                     ".irp    word, r6, r7, r8, r9\n\t"
                     "ssat    \\word, %[bits], \\word\n\t"
                     ".endr\n\t"
                     "pkhbt   \\a, r6, r8, lsl #16\n\t"
                     "pkhbt   \\b, r7, r9, lsl #16\n\t"
                     ".endm\n\t"
                     ".macro  rows bytes, seen\n\t" /* so many of each column; with a credit, or without */
                     "add     r10, r10, #\\bytes\n"
                     "1:\n\t"
                     ".if     %c[bits] == 16\n\t"
                     "two_rows r11, lr\n\t"
                     "two_rows r6, r7\n\t"
                     "strd    lr, r7, [r0, %[next]]\n\t"
                     "strd    r11, r6, [r0], #8\n\t"
                     ".if     \\seen\n\t"
                     "ldrd    r8, r9, [r2], #8\n\t"
                     "smlad   r4, r8, r11, r4\n\t"
                     "smlad   r5, r8, lr, r5\n\t"
                     "smlad   r4, r9, r6, r4\n\t"
                     "smlad   r5, r9, r7, r5\n\t"
                     ".endif\n\t"
                     ".else\n\t"
                     ".rept   2\n\t"
                     "two_rows r11, lr\n\t"
                     "bfi     r6, r8, #8, #8\n\t"
                     "bfi     r7, r9, #8, #8\n\t"
                     "strh    r7, [r0, %[next]]\n\t"
                     "strh    r6, [r0], #2\n\t"
                     ".if     \\seen\n\t"
                     "ldr     r8, [r2], #4\n\t"
                     "smlad   r4, r8, r11, r4\n\t"
                     "smlad   r5, r8, lr, r5\n\t"
                     ".endif\n\t"
                     ".endr\n\t"
                     ".endif\n\t"
                     "cmp     r0, r10\n\t"
                     "bne     1b\n\t"
                     ".endm\n\t"
                     ".if     %c[apart]\n\t"
                     "rows    %c[apart], 0\n\t"
                     ".endif\n\t"
                     "rows    %c[seen], 1\n\t"
                     ".purgem two_rows\n\t"
                     ".purgem rows\n\t"
                     "mov     r0, r4\n\t"
                     "mov     r1, r5\n\t"
                     "pop     {r4-r11, lr}"
                     : "+r"(to), "+r"(sums), "+r"(credit), "+r"(a_factor), "+r"(b_factor)
                     : [bits] "i"(J_BITS), [next] "i"(N_STATES * sizeof(j_word)), [seen] "i"(N_SEEN * sizeof(j_word)),
                       [apart] "i"((N_STATES - N_SEEN) * sizeof(j_word))
                     : "cc", "memory");
    return (pair_two){ (int32_t)(uintptr_t)to, (int32_t)(uintptr_t)sums };
}
#else
RTRL_INLINE pair_two pair_store_fours(j_word *J, const int32_t *acc, pair_two factor, const int16_t *c)
{
    return pair_store_any(J, acc, factor, c);
}
#endif

/* how far a column's sums go down, as in column_store; where all columns have one exponent, no word is saturated by it */
RTRL_INLINE int pair_down(int frac, uint32_t bits)
{
    int down = fx_floor_log2(bits) - (J_BITS - 2) + (E_MIN == E_MAX);
    return down < frac - E_MAX ? frac - E_MAX : down;
}

/* one of the two from its sums, whatever they are, as by column_store; returns its gradient */
RTRL_APART int32_t column_alone(rtrl_t *net, int p, const int32_t *acc, int frac, uint32_t bits)
{
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    bool capped = E_MIN < E_MAX && exponent < E_MIN;
    exponent = exponent > E_MAX ? E_MAX : exponent < E_MIN ? E_MIN : exponent;
    column_exp_put(net, p, exponent);
    j_word *J = &net->J[p * N_STATES];
    int32_t credit = 0;
    for (int k = 0; k < N_STATES; k++) {
        int32_t word = fx_scale(acc[2 * k], frac - exponent);
        J[k] = (j_word)fx_sat(word, J_MAX);
        capped = capped || (E_MIN == E_MAX && J[k] != word);
        credit = k < N_STATES - N_SEEN ? credit : fx_mac(credit, net->c[k - (N_STATES - N_SEEN)], J[k]);
    }
    net->capped += capped;
    return credit;
}

/* what the columns of a row have in common, and whether their weights learn */
typedef struct {
    int block;
    int unit;
    bool learn;
} row_t;

/* columns p and p + 1 of a row; z, weight: of the first */
RTRL_INLINE void columns_two(rtrl_t *net, row_t row, int p, const int16_t *z, int weight)
{
    enum { FOURS = N_STATES % 4 == 0 && N_SEEN % 4 == 0 };
    int32_t *acc = net->acc;
    j_word *J = &net->J[p * N_STATES];
    const j_word *last = J + N_STATES - N_UNITS;
    const int a_frac = net->d_exp + column_exp(net, p), b_frac = net->d_exp + column_exp(net, p + 1);
    pair_start(acc);
    keep_add(acc, 2, net, J);
    keep_add(acc + 1, 2, net, J + N_STATES);
    immediate_two(acc, net, row.block, row.unit, z, 1, a_frac, b_frac);
    pair_bits bits = pair_dot(net, last, last + N_STATES);
    int a_down = pair_down(a_frac, bits.a), b_down = pair_down(b_frac, bits.b);
    int a_exponent = a_frac - a_down, b_exponent = b_frac - b_down;
    pair_two g;
    if (a_down >= 2 && b_down >= 2 && a_exponent >= E_MIN && b_exponent >= E_MIN) {
        column_exp_put(net, p, a_exponent);
        column_exp_put(net, p + 1, b_exponent);
        pair_two factor = { (int32_t)(1U << (32 - a_down)), (int32_t)(1U << (32 - b_down)) };
        g = FOURS ? pair_store_fours(J, acc, factor, net->c) : pair_store_any(J, acc, factor, net->c);
    } else {
        g.a = column_alone(net, p, acc, a_frac, bits.a);
        g.b = column_alone(net, p + 1, acc + 1, b_frac, bits.b);
        a_exponent = column_exp(net, p);
        b_exponent = column_exp(net, p + 1);
    }
    if (row.learn) {
        optimiser_two(net, weight, g.a, g.b, net->c_exp + a_exponent, net->c_exp + b_exponent);
    }
}

/* one column, by the same words */
RTRL_APART void columns_one(rtrl_t *net, row_t row, int p, const int16_t *z, int weight)
{
    int32_t *acc = net->acc;
    j_word *J = &net->J[p * N_STATES];
    const j_word *last = J + N_STATES - N_UNITS;
    const int frac = net->d_exp + column_exp(net, p);
    pair_start(acc);
    keep_add(acc, 2, net, J);
    immediate_two(acc, net, row.block, row.unit, z, 0, frac, frac);
    int32_t g = column_alone(net, p, acc, frac, pair_dot(net, last, last).a);
    if (row.learn) {
        optimiser_cell(net, weight, g, net->c_exp + column_exp(net, p));
    }
}

/* the next columns of this row, `count` at most; `here` moves behind them */
RTRL_INLINE void rule_columns(rtrl_t *net, column_t *here, int count, bool learn)
{
    const row_t row = { here->block, here->unit, learn };
    const int side = column_side(here), many = count < side ? count : side, end = here->p + many;
    const int16_t *z = &net->z[here->input];
    int p = here->p, weight = here->weight;
    for (; p + 2 <= end; p += 2, z += 2, weight += 2) {
        columns_two(net, row, p, z, weight);
    }
    if (p < end) {
        columns_one(net, row, p, z, weight);
    }
    here->p += many - 1;
    here->weight += many - 1;
    here->input += many - 1;
    column_next(here);
}
