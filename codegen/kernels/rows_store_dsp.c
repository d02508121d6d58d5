/* rows_store_c.c for the Arm DSP extension: SMMULR rounds and shifts in one instruction, SSAT and QSUB16 saturate. */
/* the highest bit of all |v|, from the ORed high words of the squares: one instruction a square. They are 0 where no |v|
 * has more than 16 bits */
RTRL_INLINE uint32_t rows_highest(uint32_t squares, const int32_t *v, int count)
{
    if (squares != 0) {
        return 1U << (fx_floor_log2(squares) + 32) / 2;
    }
    uint32_t bits = 0;
    for (int k = 0; k < count; k++) {
        bits |= dsp_abs(v[k]);
    }
    return bits;
}

RTRL_INLINE uint32_t rows_bits(const int32_t *v, int count)
{
    uint32_t squares = 0;
    int pairs = count / 2 * 2;
#pragma GCC unroll 8
    for (int k = 0; k < pairs; k += 2) {
        dsp_pairs two = dsp_load_two(&v[k]);
        squares |= dsp_square((int32_t)two.first) | dsp_square((int32_t)two.second);
    }
    return rows_highest(pairs < count ? squares | dsp_square(v[pairs]) : squares, v, count);
}

/* acc <- a v, rows of D; returns the bits of all |acc| together */
RTRL_INLINE uint32_t rows_dot_bits(int32_t acc[N_STATES], const int16_t *a, const int16_t v[N_STATES])
{
    if (N_STATES % 4 == 0) {
        return rows_highest(rows_dot_squares(acc, a, v), acc, N_STATES);
    }
    rows_dot(acc, a, N_STATES, v);
    return rows_bits(acc, N_STATES);
}

RTRL_INLINE int32_t rows_round(int32_t v, int down)
{
    return dsp_mul_high(v, (int32_t)(1U << (32 - down)));
}

RTRL_INLINE void rows_words(int16_t *words, const int32_t *v, int count, int down)
{
    if (down < 2 || down > 31) { /* hardly ever */
        for (int k = 0; k < count; k++) {
            words[k] = (int16_t)fx_step_size(v[k], down, 32767);
        }
        return;
    }
    int pairs = count / 2 * 2;
#pragma GCC unroll 8
    for (int k = 0; k < pairs; k += 2) {
        dsp_pairs two = dsp_load_two(&v[k]);
        uint32_t pair = dsp_sat_pair(rows_round((int32_t)two.first, down), rows_round((int32_t)two.second, down));
        memcpy(&words[k], &pair, sizeof pair);
    }
    if (count % 2) {
        words[pairs] = (int16_t)dsp_sat_pair(rows_round(v[pairs], down), 0);
    }
}

/* A factor -2^16 / 2^shift makes SMLAW add -|word| / -2^shift, rounded down */
RTRL_INLINE uint32_t steps_most(const j_word *A, int k, const int16_t shifts[BLOCK])
{
    enum { ROWS = N_BLOCKS * N_NEURONS, PAIRS = sizeof(j_word) == 2 && BLOCK % 2 == 0, FOURS = PAIRS ? ROWS / 4 * 4 : 0 };
    int32_t most = 0;
    int apart = steps_at(k, 2) - steps_at(k, 0);
    for (int q = 0; q < FOURS; q += 4) {
        const int16_t *a = (const int16_t *)(const void *)&A[q * STEPS + steps_at(k, 0)];
        int32_t sums[4] = { 0, 0, 0, 0 };
        for (int u = 0; u < BLOCK; u += 2, a += apart) {
            int32_t low = -65536 >> shifts[u], high = -65536 >> shifts[u + 1]; /* check: 65536 == 2**16 */
            sums[0] = dsp_size(sums[0], dsp_pair(a), low, high);
            sums[1] = dsp_size(sums[1], dsp_pair(a + STEPS), low, high);
            sums[2] = dsp_size(sums[2], dsp_pair(a + 2 * STEPS), low, high);
            sums[3] = dsp_size(sums[3], dsp_pair(a + 3 * STEPS), low, high);
        }
        for (int i = 0; i < 4; i++) {
            most = sums[i] > most ? sums[i] : most;
        }
    }
    for (int q = FOURS; q < ROWS; q++) {
        int32_t sum = 0;
        for (int u = 0; u < BLOCK; u++) {
            sum += fx_abs(A[q * STEPS + steps_at(k, u)]) >> shifts[u];
        }
        most = sum > most ? sum : most;
    }
    return (uint32_t)most;
}

RTRL_INLINE void rows_owed(j_word *a, int apart, const int32_t *v, int count, int down)
{
    if (down < 2) { /* hardly ever */
        for (int k = 0; k < count; k++) {
            a[k * apart] = (j_word)fx_sat(fx_round_shift(v[k], down), J_MAX);
        }
        return;
    }
    int pairs = count / 2 * 2;
#pragma GCC unroll 4
    for (int k = 0; k < pairs; k += 2, a += 2 * apart) {
        dsp_pairs two = dsp_load_two(&v[k]);
        a[0] = (j_word)dsp_sat(rows_round((int32_t)two.first, down));
        a[apart] = (j_word)dsp_sat(rows_round((int32_t)two.second, down));
    }
    if (count % 2) {
        *a = (j_word)dsp_sat(rows_round(v[pairs], down));
    }
}

/* two steps of every pre-activation: a word in the upper half of a register times 2^16 / 2^shift, for any shift */
RTRL_APART void steps_down_two(int16_t *a, int low_shift, int high_shift)
{
    int32_t low = 65536 >> low_shift, high = 65536 >> high_shift; /* check: 65536 == 2**16 */
#pragma GCC unroll 4
    for (int q = 0; q < N_BLOCKS * N_NEURONS; q++, a += STEPS) {
        uint32_t pair = dsp_pair(a);
        int32_t first = dsp_mul_high((int32_t)(pair << 16), low);
        pair = dsp_pack(first, dsp_mul_high((int32_t)(pair & 0xFFFF0000U), high));
        memcpy(a, &pair, sizeof pair);
    }
}

RTRL_INLINE void steps_down(j_word *A, int k, const int16_t shifts[BLOCK])
{
    if (sizeof(j_word) == 2 && BLOCK % 2 == 0) {
        j_word *a = &A[steps_at(k, 0)];
        int apart = steps_at(k, 2) - steps_at(k, 0);
        for (int u = 0; u < BLOCK; u += 2, a += apart) {
            steps_down_two((int16_t *)(void *)a, shifts[u], shifts[u + 1]);
        }
        return;
    }
    for (int u = 0; u < BLOCK; u++) {
        j_word *a = &A[steps_at(k, u)];
        for (int q = 0; q < N_BLOCKS * N_NEURONS && shifts[u] > 0; q++, a += STEPS) {
            *a = (j_word)fx_round_shift(*a, shifts[u]);
        }
    }
}

RTRL_INLINE void rows_swap(int16_t *a, int16_t *b, int count)
{
    int pairs = count / 2 * 2;
#pragma GCC unroll 4
    for (int i = 0; i < pairs; i += 2) {
        uint32_t left = dsp_pair(&a[i]), right = dsp_pair(&b[i]);
        memcpy(&a[i], &right, sizeof right);
        memcpy(&b[i], &left, sizeof left);
    }
    if (count % 2) {
        int16_t word = a[pairs];
        a[pairs] = b[pairs];
        b[pairs] = word;
    }
}
