/* Products of rows with a vector, four rows at a time: each entry of the vector is loaded once for them. Plain C; a
 * variant of this file for other instructions gives the same bits, because no sum can overflow: sum |a| |v| < 2^30,
 * by the L1 norm of a row or of D's columns (fx_block_shift). */

enum { STEPS = N_STATES * BLOCK }; /* words of A that belong to one pre-activation: (state, step) */

/* where entry (r, l) of a matrix of rows is kept while it is multiplied */
RTRL_INLINE int rows_at(int rows, int width, int r, int l)
{
    (void)rows;
    return r * width + l;
}

RTRL_INLINE int phi_at(int k, int l) /* the same for Phi */
{
    return rows_at(N_STATES, N_STATES, k, l);
}

/* and for the words that all rows owe to one pre-activation: row k, step u */
RTRL_INLINE int steps_at(int k, int u)
{
    return k * BLOCK + u;
}

/* rows of Phi up to k, after their way back, to where rows_at says */
RTRL_INLINE void rows_weave(rtrl_t *net, int k)
{
    (void)net;
    (void)k;
}

RTRL_INLINE int32_t rows_product(const int16_t *a, const int16_t *v, int count)
{
    int32_t sum = 0;
    for (int l = 0; l < count; l++) {
        sum = fx_mac(sum, a[l], v[l]);
    }
    return sum;
}

/* acc: (rows)   a: (rows, N_STATES)   v: (N_STATES) */
static void rows_dot(int32_t *acc, const int16_t *a, int rows, const int16_t v[N_STATES])
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

/* acc: (N_STATES)   a: (N_STATES, BLOCK)   v: (BLOCK) */
RTRL_INLINE void rows_dot_steps(int32_t acc[N_STATES], const j_word *a, const int16_t v[BLOCK])
{
    enum { FOURS = N_STATES / 4 * 4 };
    for (int k = 0; k < FOURS; k += 4) {
        const j_word *b = a + BLOCK, *c = b + BLOCK, *d = c + BLOCK;
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
        a = d + BLOCK;
    }
    for (int k = FOURS; k < N_STATES; k++, a += BLOCK) {
        int32_t sum = 0;
        for (int u = 0; u < BLOCK; u++) {
            sum = fx_mac(sum, a[u], v[u]);
        }
        acc[k] = sum;
    }
}

/* acc <- Phi old / 2^outside_down + a seen / 2^inside_down, both 0..31 and at least one of them 0; returns the
 * bits of all |acc| together, as column_store wants them
 * acc: (2, N_STATES), the second half scratch   Phi: (N_STATES, N_STATES)   a: (N_STATES, BLOCK) */
static uint32_t rows_join(int32_t *acc, const int16_t *Phi, const int16_t old[N_STATES], int outside_down,
                          const j_word *a, const int16_t seen[BLOCK], int inside_down)
{
    uint32_t bits = 1;
    int32_t *inside = &acc[N_STATES];
    rows_dot(acc, Phi, N_STATES, old);
    rows_dot_steps(inside, a, seen);
    for (int k = 0; k < N_STATES; k++) {
        acc[k] = fx_add(fx_round_shift(acc[k], outside_down), fx_round_shift(inside[k], inside_down));
        bits |= fx_magnitude(acc[k]);
    }
    return bits;
}

/* old <- column p of J   seen <- z[t * N_TRACE], what its weight was multiplied with in each step t */
RTRL_INLINE void rows_column(rtrl_t *net, int p, const int16_t *z)
{
    for (int r = 0; r < N_STATES; r++) {
        net->old[r] = net->J[p * N_STATES + r];
    }
    for (int u = 0; u < BLOCK; u++) {
        net->seen[u] = z[u * N_TRACE];
    }
}
