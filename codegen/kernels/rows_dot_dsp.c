/* rows_dot_c.c for the Arm DSP extension. Where rows have whole 32-bit words, four of them are woven together: a word
 * of each, then the next words. So one LDM loads what four sums need, and matrices lie at multiples of 4 (layout.py).
 * Where two columns of J are multiplied at once, Phi and A have two rows woven together. */
enum {
    STEPS = N_STATES * BLOCK, /* words of A that belong to one pre-activation: (state, step) */
    TWO = sizeof(j_word) == 2 && N_STATES % 2 == 0 && BLOCK % 2 == 0,
    SIDE = TWO ? 2 : 4 /* rows of Phi and A that are woven together */
};

/* the same with `side` rows woven together */
RTRL_INLINE int rows_woven_at(int side, int rows, int width, int r, int l)
{
    bool woven = width % 2 == 0 && r < rows / side * side;
    return woven ? r / side * side * width + l / 2 * 2 * side + r % side * 2 + l % 2 : r * width + l;
}

RTRL_INLINE int rows_at(int rows, int width, int r, int l)
{
    return rows_woven_at(4, rows, width, r, l);
}

RTRL_INLINE int phi_at(int k, int l)
{
    return rows_woven_at(SIDE, N_STATES, N_STATES, k, l);
}

RTRL_INLINE int steps_at(int k, int u)
{
    return sizeof(j_word) == 1 ? k * BLOCK + u : rows_woven_at(SIDE, N_STATES, BLOCK, k, u);
}

/* Rows after their way back are woven in place; acc takes them meanwhile: 4 N_STATES words of 16 bits */
RTRL_INLINE void rows_weave(rtrl_t *net, int k)
{
    if (N_STATES % 2 == 0 && k % SIDE == SIDE - 1) {
        int16_t *rows = &net->Phi[(k - (SIDE - 1)) * N_STATES];
        uint32_t *kept = (uint32_t *)(void *)net->acc;
        memcpy(kept, rows, SIDE * N_STATES * sizeof(int16_t));
        for (int l = 0; l < N_STATES / 2; l++) {
            for (int r = 0; r < SIDE; r++) {
                memcpy(&rows[(l * SIDE + r) * 2], &kept[r * N_STATES / 2 + l], sizeof *kept);
            }
        }
    }
}

/* sum + what dsp_rows or dsp_byte_rows gave */
RTRL_INLINE dsp_sums rows_more(dsp_sums sum, const int32_t more[4])
{
    return (dsp_sums){ sum.a + more[0], sum.b + more[1], sum.c + more[2], sum.d + more[3] };
}

/* sum + four rows of int16 times v; `count` a constant */
RTRL_INLINE dsp_sums rows_four(dsp_sums sum, const int16_t *rows, const int16_t *v, int count)
{
    if (count % 2) {
        int32_t more[4];
        dsp_rows(more, rows, count, v, count, false);
        return rows_more(sum, more);
    }
    return dsp_woven(sum, rows, v, count);
}

/* sum + four rows of a, words of J, times v */
RTRL_INLINE dsp_sums steps_four(dsp_sums sum, const j_word *a, const int16_t v[BLOCK])
{
    if (sizeof(j_word) == 1) {
        int32_t more[4];
        dsp_byte_rows(more, (const int8_t *)(const void *)a, BLOCK, v, sizeof(int16_t), BLOCK);
        return rows_more(sum, more);
    }
    return rows_four(sum, (const int16_t *)(const void *)a, v, BLOCK);
}

RTRL_INLINE void rows_keep_sums(int32_t acc[4], dsp_sums sum)
{
    acc[0] = sum.a;
    acc[1] = sum.b;
    acc[2] = sum.c;
    acc[3] = sum.d;
}

RTRL_INLINE int32_t rows_product(const int16_t *a, const int16_t *v, int count)
{
    return count % 2 ? dsp_dot(a, v, count) : dsp_line(a, v, count);
}

RTRL_APART void rows_dot(int32_t *acc, const int16_t *a, int rows, const int16_t v[N_STATES])
{
    int fours = rows / 4 * 4;
    for (int k = 0; k < fours; k += 4) {
        rows_keep_sums(&acc[k], rows_four((dsp_sums){ 0, 0, 0, 0 }, &a[k * N_STATES], v, N_STATES));
    }
    for (int k = fours; k < rows; k++) {
        acc[k] = dsp_dot(&a[k * N_STATES], v, N_STATES);
    }
}

/* acc <- a v, rows of D; returns the ORed high words of their squares
 * acc: (N_STATES)   a: (N_STATES, N_STATES), four rows woven together */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE uint32_t rows_dot_squares(int32_t *acc, const int16_t *a, const int16_t *v)
{
    register int32_t *sums __asm__("r0") = acc;
    register const int16_t *rows __asm__("r1") = a;
    register const int16_t *words __asm__("r2") = v;
    register uint32_t squares __asm__("r3") = 0;
    __asm__ volatile("push    {r4-r11, lr}\n\t"
                     "add     r12, r0, %[bytes]\n\t"
                     "push    {r12}\n"
                     "1:\n\t"
                     ".set    fresh, 1\n\t"
                     ".rept   %c[width] / 4\n\t"
                     "ldm     r2!, {r12, lr}\n\t"
                     ".irp    two, r12, lr\n\t"
                     "ldm     r1!, {r4-r7}\n\t"
                     ".if     fresh\n\t"
                     "smuad   r8, r4, \\two\n\t"
                     "smuad   r9, r5, \\two\n\t"
                     "smuad   r10, r6, \\two\n\t"
                     "smuad   r11, r7, \\two\n\t"
                     ".else\n\t"
                     "smlad   r8, r4, \\two, r8\n\t"
                     "smlad   r9, r5, \\two, r9\n\t"
                     "smlad   r10, r6, \\two, r10\n\t"
                     "smlad   r11, r7, \\two, r11\n\t"
                     ".endif\n\t"
                     ".set    fresh, 0\n\t"
                     ".endr\n\t"
                     ".endr\n\t"
                     "stm     r0!, {r8-r11}\n\t"
                     ".irp    sum, r8, r9, r10, r11\n\t"
                     "smmul   \\sum, \\sum, \\sum\n\t"
                     "orr     r3, r3, \\sum\n\t"
                     ".endr\n\t"
                     "ldr     r4, [sp]\n\t"
                     "sub     r2, r2, %[bytes] / 2\n\t"
                     "cmp     r0, r4\n\t"
                     "bne     1b\n\t"
                     "pop     {r12}\n\t"
                     "pop     {r4-r11, lr}"
                     : "+r"(sums), "+r"(rows), "+r"(words), "+r"(squares)
                     : [width] "i"(N_STATES), [bytes] "i"(N_STATES * sizeof(int32_t))
                     : "r12", "cc", "memory");
    return squares;
}
#else
RTRL_INLINE uint32_t rows_dot_squares(int32_t *acc, const int16_t *a, const int16_t *v)
{
    uint32_t squares = 0;
    rows_dot(acc, a, N_STATES, v);
    for (int k = 0; k < N_STATES; k++) {
        squares |= dsp_square(acc[k]);
    }
    return squares;
}
#endif

/* sum / 2^down, down in 0..31 */
RTRL_INLINE dsp_sums rows_down(dsp_sums sum, int down)
{
    if (down >= 2) {
        int32_t factor = (int32_t)(1U << (32 - down));
        return (dsp_sums){ dsp_mul_high(sum.a, factor), dsp_mul_high(sum.b, factor), dsp_mul_high(sum.c, factor),
                           dsp_mul_high(sum.d, factor) };
    }
    if (down == 1) {
        return (dsp_sums){ (sum.a + 1) >> 1, (sum.b + 1) >> 1, (sum.c + 1) >> 1, (sum.d + 1) >> 1 };
    }
    return sum;
}

/* one of each of two columns */
typedef struct {
    int32_t a;
    int32_t b;
} rows_two;

/* two vectors woven together: two words of the one, two of the other; all at multiples of 4 */
RTRL_INLINE void rows_weave_two(int16_t *woven, const int16_t *a, const int16_t *b, int count)
{
#pragma GCC unroll 8
    for (int l = 0; l < count / 4; l++) {
#ifdef __ARM_FEATURE_DSP
        __asm__ volatile("ldrd    r4, r6, [%1], #8\n\t"
                         "ldrd    r5, r8, [%2], #8\n\t"
                         "stm     %0!, {r4, r5, r6, r8}"
                : "+r"(woven), "+r"(a), "+r"(b)
                :
                : "r4", "r5", "r6", "r8", "memory");
#else
        for (int pair = 0; pair < 2; pair++, a += 2, b += 2, woven += 4) {
            dsp_store_two(woven, dsp_pair(a), dsp_pair(b));
        }
#endif
    }
    if (count % 4) {
        dsp_store_two(woven, dsp_pair(a), dsp_pair(b));
    }
}

/* one vector woven with itself, in place */
RTRL_INLINE void rows_weave_self(int16_t *v, int count)
{
    for (int l = count - 2; l >= 0; l -= 2) {
        uint32_t pair = dsp_pair(&v[l]);
        dsp_store_two(&v[2 * l], pair, pair);
    }
}

/* old <- columns p and p + 1 of J   seen <- z[t * N_TRACE] and the next entry, in each step t; both woven */
RTRL_INLINE void rows_two_columns(rtrl_t *net, int p, const int16_t *z)
{
    const int16_t *column = (const int16_t *)(const void *)&net->J[p * N_STATES];
    rows_weave_two(net->old, column, column + N_STATES, N_STATES);
    int16_t *seen = net->seen;
#pragma GCC unroll 4
    for (int u = 0; u < BLOCK; u += 2, z += 2 * N_TRACE, seen += 4) {
        uint32_t first = dsp_pair(z), second = dsp_pair(z + N_TRACE);
        dsp_store_two(seen, dsp_pack((int32_t)first, (int32_t)second), dsp_pack_high(first, second));
    }
}

/* sums of a[l] v[l] for both of v, woven together, at multiples of 4: eight products by six instructions */
RTRL_INLINE rows_two rows_product_two(const int16_t *a, const int16_t *v, int count)
{
    rows_two sum = { 0, 0 };
#pragma GCC unroll 4
    for (int i = 0; i < count / 4; i++) {
#ifdef __ARM_FEATURE_DSP
        __asm__("ldm %2!, {r4, r5}\n\t"
                "ldm %3!, {r6, r8, r10, r12}\n\t"
                "smlad %0, r4, r6, %0\n\t"
                "smlad %1, r4, r8, %1\n\t"
                "smlad %0, r5, r10, %0\n\t"
                "smlad %1, r5, r12, %1"
                : "+r"(sum.a), "+r"(sum.b), "+r"(a), "+r"(v)
                :
                : "r4", "r5", "r6", "r8", "r10", "r12", "memory");
#else
        for (int pair = 0; pair < 2; pair++, a += 2, v += 4) {
            sum.a = dsp_mac(sum.a, dsp_pair(a), dsp_pair(v));
            sum.b = dsp_mac(sum.b, dsp_pair(a), dsp_pair(v + 2));
        }
#endif
    }
    if (count % 4) {
        sum.a = dsp_mac(sum.a, dsp_pair(a), dsp_pair(v));
        sum.b = dsp_mac(sum.b, dsp_pair(a), dsp_pair(v + 2));
    }
    return sum;
}

/* acc <- first first_words / 2^down + second second_words   acc: (N_STATES, 2)   down 1..31, or 0 if not `shifted`
 * matrices: (N_STATES, width), two rows woven together   words: (width, 2), two columns woven together
 * 20 instructions make 32 products. What has no register waits on the stack in the order of rows_kept: the last load is
 * first, acc, a, b, end, first_words. SMMLSR subtracts from 0 the product with -2^32 / 2^down, and rounds. */
#ifdef __ARM_FEATURE_DSP
typedef struct {
    const int16_t *second;
    const int16_t *second_words;
    uint32_t factor;
    const int16_t *first;
    int32_t *acc;
    uint32_t a; /* the bits of each column */
    uint32_t b;
    const int32_t *end;
    const int16_t *first_words;
} rows_kept;

#define ROWS_SUM_TWO \
    "push    {r4-r11, lr}\n\t" \
    "ldm     r0, {r1-r9}\n\t" \
    "push    {r1-r9}\n\t" \
    "mov     r0, r4\n\t" \
    "mov     r1, r9\n\t" \
    ".macro  mac sum, a, b\n\t" /* the first products of a sum begin it */ \
    ".if     fresh\n\t" \
    "smuad   \\sum, \\a, \\b\n\t" \
    ".else\n\t" \
    "smlad   \\sum, \\a, \\b, \\sum\n\t" \
    ".endif\n\t" \
    ".endm\n\t" \
    ".macro  products width\n\t" \
    ".rept   \\width / 4\n\t" \
    "ldm     r0!, {r4-r7}\n\t" \
    "ldm     r1!, {r8-r11}\n\t" \
    "mac     r2, r4, r8\n\t" \
    "mac     r3, r4, r9\n\t" \
    "mac     r12, r5, r8\n\t" \
    "mac     lr, r5, r9\n\t" \
    ".set    fresh, 0\n\t" \
    "mac     r2, r6, r10\n\t" \
    "mac     r3, r6, r11\n\t" \
    "mac     r12, r7, r10\n\t" \
    "mac     lr, r7, r11\n\t" \
    ".endr\n\t" \
    ".if     \\width & 2\n\t" \
    "ldm     r0!, {r4-r5}\n\t" \
    "ldm     r1!, {r8-r9}\n\t" \
    "mac     r2, r4, r8\n\t" \
    "mac     r3, r4, r9\n\t" \
    "mac     r12, r5, r8\n\t" \
    "mac     lr, r5, r9\n\t" \
    ".set    fresh, 0\n\t" \
    ".endif\n\t" \
    ".endm\n" \
    "1:\n\t" \
    ".set    fresh, 1\n\t" \
    "products %c[first_width]\n\t" \
    "str     r0, [sp, #12]\n\t" \
    "ldm     sp, {r0, r1, r4}\n\t" \
    ".if     %c[shifted]\n\t" \
    "movs    r5, #0\n\t" \
    "smmlsr  r2, r2, r4, r5\n\t" \
    "smmlsr  r3, r3, r4, r5\n\t" \
    "smmlsr  r12, r12, r4, r5\n\t" \
    "smmlsr  lr, lr, r4, r5\n\t" \
    ".endif\n\t" \
    "products %c[second_width]\n\t" \
    "str     r0, [sp]\n\t" \
    "add     r0, sp, #12\n\t" \
    "ldm     r0, {r4-r9}\n\t" \
    "eor     r10, r2, r2, asr #31\n\t" \
    "eor     r11, r3, r3, asr #31\n\t" \
    "orr     r6, r6, r10\n\t" \
    "orr     r7, r7, r11\n\t" \
    "eor     r10, r12, r12, asr #31\n\t" \
    "eor     r11, lr, lr, asr #31\n\t" \
    "orr     r6, r6, r10\n\t" \
    "orr     r7, r7, r11\n\t" \
    "stm     r5!, {r2, r3, r12, lr}\n\t" \
    "str     r5, [r0, #4]\n\t" \
    "strd    r6, r7, [r0, #8]\n\t" \
    "mov     r0, r4\n\t" \
    "mov     r1, r9\n\t" \
    "cmp     r5, r8\n\t" \
    "bne     1b\n\t" \
    "mov     r0, r6\n\t" \
    "mov     r1, r7\n\t" \
    "add     sp, sp, #36\n\t" \
    "pop     {r4-r11, lr}\n\t" \
    ".purgem products\n\t" \
    ".purgem mac"

#define ROWS_SUM_TWO_OF(first, second, is_shifted) \
    __asm__ volatile(ROWS_SUM_TWO \
                     : "+r"(from), "=r"(b) \
                     : [first_width] "i"(first), [second_width] "i"(second), [shifted] "i"(is_shifted) \
                     : "r2", "r3", "r12", "cc", "memory")
#else
/* words times both columns */
RTRL_INLINE rows_two rows_add_two(rows_two sum, const int16_t *a, const int16_t *v, int width)
{
    for (int l = 0; l < width; l += 2, a += 4, v += 4) {
        sum.a = dsp_mac(sum.a, dsp_pair(a), dsp_pair(v));
        sum.b = dsp_mac(sum.b, dsp_pair(a), dsp_pair(v + 2));
    }
    return sum;
}
#endif

/* acc <- Phi old + A seen of both columns, returns the bits of each; Phi's sums have `apart` more fraction bits, or A's
 * -apart. The products of the sums that are shifted go first, the others are added to them in the same registers. */
RTRL_APART rows_two rows_join_two(int32_t *acc, const int16_t *Phi, const int16_t *old, int apart, const j_word *owed,
                                  const int16_t *seen)
{
    const int16_t *A = (const int16_t *)(const void *)owed;
    int down = apart < 0 ? -apart : apart;
    down = down > 31 ? 31 : down;
#ifdef __ARM_FEATURE_DSP
    uint32_t factor = 0U - (1U << (down > 0 ? 32 - down : 0));
    rows_kept kept = { A, seen, factor, Phi, acc, 1, 1, acc + 2 * N_STATES, old };
    if (apart < 0) {
        kept.second = Phi;
        kept.second_words = old;
        kept.first = A;
        kept.first_words = seen;
    }
    register const void *from __asm__("r0") = &kept;
    register int32_t b __asm__("r1");
    if (apart < 0) {
        ROWS_SUM_TWO_OF(BLOCK, N_STATES, 1);
    } else if (apart > 0) {
        ROWS_SUM_TWO_OF(N_STATES, BLOCK, 1);
    } else {
        ROWS_SUM_TWO_OF(N_STATES, BLOCK, 0);
    }
    return (rows_two){ (int32_t)(uintptr_t)from, b };
#else
    uint32_t a_bits = 1, b_bits = 1;
    for (int k = 0; k < N_STATES; k++) {
        const int16_t *phi = &Phi[phi_at(k, 0)], *a = &A[steps_at(k, 0)];
        rows_two sum = { 0, 0 };
        sum = apart < 0 ? rows_add_two(sum, a, seen, BLOCK) : rows_add_two(sum, phi, old, N_STATES);
        sum = (rows_two){ fx_round_shift(sum.a, down), fx_round_shift(sum.b, down) };
        sum = apart < 0 ? rows_add_two(sum, phi, old, N_STATES) : rows_add_two(sum, a, seen, BLOCK);
        acc[2 * k] = sum.a;
        acc[2 * k + 1] = sum.b;
        a_bits |= fx_magnitude(sum.a);
        b_bits |= fx_magnitude(sum.b);
    }
    return (rows_two){ (int32_t)a_bits, (int32_t)b_bits };
#endif
}

RTRL_APART uint32_t rows_join(int32_t *acc, const int16_t *Phi, int16_t *old, int outside_down, const j_word *a,
                              int16_t *seen, int inside_down)
{
    if (TWO) {
        rows_weave_self(old, N_STATES);
        rows_weave_self(seen, BLOCK);
        int apart = inside_down > 0 ? -inside_down : outside_down;
        uint32_t bits = (uint32_t)rows_join_two(acc, Phi, old, apart, a, seen).a;
        for (int k = 0; k < N_STATES; k++) {
            acc[k] = acc[2 * k];
        }
        return bits;
    }
    enum { FOURS = N_STATES / 4 * 4 };
    uint32_t bits = 1;
    for (int k = 0; k < FOURS; k += 4, Phi += 4 * N_STATES, a += 4 * BLOCK, acc += 4) {
        dsp_sums sum = { 0, 0, 0, 0 };
        if (inside_down > 0) {
            sum = rows_four(rows_down(steps_four(sum, a, seen), inside_down), Phi, old, N_STATES);
        } else {
            sum = steps_four(rows_down(rows_four(sum, Phi, old, N_STATES), outside_down), a, seen);
        }
        bits |= fx_magnitude(sum.a) | fx_magnitude(sum.b) | fx_magnitude(sum.c) | fx_magnitude(sum.d);
        rows_keep_sums(acc, sum);
    }
    for (int k = FOURS; k < N_STATES; k++, Phi += N_STATES, a += BLOCK, acc++) {
        int32_t outside = dsp_dot(Phi, old, N_STATES);
        int32_t inside = dsp_byte_dot(a, sizeof(j_word), seen, sizeof(int16_t), BLOCK);
        *acc = fx_round_shift(outside, outside_down) + fx_round_shift(inside, inside_down);
        bits |= fx_magnitude(*acc);
    }
    return bits;
}

RTRL_INLINE void rows_column(rtrl_t *net, int p, const int16_t *z)
{
    const j_word *column = &net->J[p * N_STATES];
    if (sizeof(j_word) == 1) {
        for (int r = 0; r < N_STATES; r++) {
            net->old[r] = column[r];
        }
    } else {
        memcpy(net->old, column, N_STATES * sizeof(int16_t));
    }
#pragma GCC unroll 4
    for (int u = 0; u + 2 <= BLOCK; u += 2, z += 2 * N_TRACE) {
        uint32_t pair = (uint16_t)z[0] | (uint32_t)z[N_TRACE] << 16;
        memcpy(&net->seen[u], &pair, sizeof pair);
    }
    if (BLOCK % 2) {
        net->seen[BLOCK - 1] = *z;
    }
}
