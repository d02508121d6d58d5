/* rows_dot_c.c for the Arm DSP extension. Where rows have whole 32-bit words, four of them are woven together: a word
 * of each, then the next words. So one LDM loads what four sums need, and matrices lie at multiples of 4 (layout.py). */
enum { STEPS = N_STATES * BLOCK }; /* words of A that belong to one pre-activation: (state, step) */

RTRL_INLINE int rows_at(int rows, int width, int r, int l)
{
    bool woven = width % 2 == 0 && r < rows / 4 * 4;
    return woven ? r / 4 * 4 * width + l / 2 * 8 + r % 4 * 2 + l % 2 : r * width + l;
}

RTRL_INLINE int steps_at(int k, int u)
{
    return sizeof(j_word) == 1 ? k * BLOCK + u : rows_at(N_STATES, BLOCK, k, u);
}

/* Four rows after their way back are woven in place; acc takes them meanwhile: 4 N_STATES words of 16 bits */
RTRL_INLINE void rows_weave(rtrl_t *net, int k)
{
    if (N_STATES % 2 == 0 && k % 4 == 3) {
        int16_t *rows = &net->Phi[(k - 3) * N_STATES];
        uint32_t *kept = (uint32_t *)(void *)net->acc;
        memcpy(kept, rows, 4 * N_STATES * sizeof(int16_t));
        for (int l = 0; l < N_STATES / 2; l++) {
            for (int r = 0; r < 4; r++) {
                memcpy(&rows[l * 8 + r * 2], &kept[r * N_STATES / 2 + l], sizeof *kept);
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

/* The products that are shifted go first; the others are added to them in the same registers. */
RTRL_APART uint32_t rows_join(int32_t *acc, const int16_t *Phi, const int16_t old[N_STATES], int outside_down,
                              const j_word *a, const int16_t seen[BLOCK], int inside_down)
{
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
        memcpy(net->old, column, sizeof net->old);
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
