/* Sums become words: rows on their way back, and what they owe. Plain C; a variant for other instructions has the same
 * bits. */

/* bits of all |v| together */
RTRL_INLINE uint32_t rows_bits(const int32_t *v, int count)
{
    uint32_t bits = 0;
    for (int k = 0; k < count; k++) {
        bits |= (uint32_t)fx_abs(v[k]);
    }
    return bits;
}

/* acc <- a v, rows of D; returns the bits of all |acc| together */
RTRL_INLINE uint32_t rows_dot_bits(int32_t acc[N_STATES], const int16_t *a, const int16_t v[N_STATES])
{
    rows_dot(acc, a, N_STATES, v);
    return rows_bits(acc, N_STATES);
}

/* v / 2^down, down in 2..31 */
RTRL_INLINE int32_t rows_round(int32_t v, int down)
{
    return fx_round_shift(v, down);
}

/* words <- v / 2^down, down of any size, held to +-32767. |v| < 2^31 */
RTRL_INLINE void rows_words(int16_t *words, const int32_t *v, int count, int down)
{
    for (int k = 0; k < count; k++) {
        words[k] = (int16_t)fx_step_size(v[k], down, 32767);
    }
}

/* Largest of what a row owes to one pre-activation over all steps, sum_u |A[q][k][u]| >> shifts[u], over q */
RTRL_INLINE uint32_t steps_most(const j_word *A, int k, const int16_t shifts[BLOCK])
{
    uint32_t most = 0;
    for (int q = 0; q < N_BLOCKS * N_NEURONS; q++) {
        uint32_t sum = 0;
        for (int u = 0; u < BLOCK; u++) {
            sum += (uint32_t)fx_abs(A[q * STEPS + steps_at(k, u)]) >> shifts[u];
        }
        most = sum > most ? sum : most;
    }
    return most;
}

/* every `apart`-th word of a <- v / 2^down, down in 0..31, saturated */
RTRL_INLINE void rows_owed(j_word *a, int apart, const int32_t *v, int count, int down)
{
    for (int k = 0; k < count; k++) {
        a[k * apart] = (j_word)fx_sat(fx_round_shift(v[k], down), J_MAX);
    }
}

/* what a row owes, A[.][k][u] <- itself / 2^shifts[u], shifts in 0..31 */
RTRL_INLINE void steps_down(j_word *A, int k, const int16_t shifts[BLOCK])
{
    for (int u = 0; u < BLOCK; u++) {
        j_word *a = &A[steps_at(k, u)];
        for (int q = 0; q < N_BLOCKS * N_NEURONS && shifts[u] > 0; q++) {
            a[q * STEPS] = (j_word)fx_round_shift(a[q * STEPS], shifts[u]);
        }
    }
}

/* two runs of words change places */
RTRL_INLINE void rows_swap(int16_t *a, int16_t *b, int count)
{
    for (int i = 0; i < count; i++) {
        int16_t word = a[i];
        a[i] = b[i];
        b[i] = word;
    }
}
