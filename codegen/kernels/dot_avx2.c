/* dot_c.c for AVX2: VPMADDWD multiplies eight pairs of words with eight others and adds both products of each, so D has
 * the pairs of a row's columns l, l + 1 side by side for rows 0, 1, ...: eight sums grow in the lanes of a register. The
 * neighbour of an odd last column is zero: nothing writes there. */
enum { UNITS_2 = (N_UNITS + 1) / 2 * 2 };

RTRL_INLINE int d_at(int r, int l)
{
    return (l / 2 * N_STATES + r) * 2 + l % 2;
}

RTRL_INLINE void d_put(int16_t *D, int r, int l, int32_t word)
{
    D[d_at(r, l)] = (int16_t)word;
}

/* sums from r on, at most eight of them */
RTRL_INLINE int dot_left(int r)
{
    return N_STATES % 8 == 0 ? 8 : N_STATES - r;
}

/* a column as int16 in whole pairs */
RTRL_INLINE void dot_words(int16_t words[UNITS_2], const j_word column[N_UNITS])
{
    words[UNITS_2 - 1] = 0;
    for (int l = 0; l < N_UNITS; l++) {
        words[l] = column[l];
    }
}

/* acc: (N_STATES), added to   D: (N_STATES, N_UNITS), entry (r, l) at d_at(r, l)   column: (N_UNITS), the last component */
RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS])
{
    int16_t words[UNITS_2];
    dot_words(words, column);
    for (int r = 0; r < N_STATES; r += 8) {
        __m256i sum = avx2_load(&acc[r], dot_left(r));
        for (int l = 0; l < N_UNITS; l += 2) {
            sum = avx2_mac(sum, avx2_load(&D[d_at(r, l)], dot_left(r)), avx2_pair(&words[l]));
        }
        avx2_store(&acc[r], sum, dot_left(r));
    }
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    return avx2_dot(column, sizeof(j_word), c, N_SEEN);
}
