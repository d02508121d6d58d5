/* dot_c.c for the Arm M-profile vector extension. D has words as wide as those of J, and lies as it passes two columns
 * in pair_dot_mve.c: PART of its columns after PART, each part row by row. Eight bytes fill a register when widened. */
enum { D_SIZE = sizeof(j_word), PART = 2 * (D_SIZE == 1 && N_UNITS > (int)MVE_WORDS ? MVE_BYTES : MVE_WORDS) };

/* place of entry (r, l), in words */
RTRL_INLINE int d_at(int r, int l)
{
    int first = l / PART * PART, width = N_UNITS - first < PART ? N_UNITS - first : PART;
    return first * N_STATES + r * width + l - first;
}

RTRL_INLINE void d_put(int16_t *D, int r, int l, int32_t word)
{
    j_word *words = (j_word *)(void *)D;
    words[d_at(r, l)] = (j_word)word;
}

RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS])
{
    const j_word *words = (const j_word *)(const void *)D;
#pragma GCC unroll 8
    for (int l = 0; l < N_UNITS; l += PART) {
        const int width = N_UNITS - l < PART ? N_UNITS - l : PART;
        const j_word *row = &words[d_at(0, l)];
        for (int r = 0; r < N_STATES; r++) {
            acc[r] += mve_dot(row, D_SIZE, &column[l], sizeof(j_word), width);
            row += width;
        }
    }
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    return mve_dot(c, sizeof(int16_t), column, sizeof(j_word), N_SEEN);
}
