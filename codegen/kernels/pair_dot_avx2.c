/* acc <- 0 */
RTRL_INLINE void pair_start(int32_t acc[ACC_APART])
{
    for (int k = 0; k < N_STATES; k += 8) {
        avx2_store(&acc[k], _mm256_setzero_si256(), dot_left(k));
    }
}

/* pair_dot_c.c for AVX2: eight sums of both columns at a time, so a word of D is loaded once for both. What they are
 * added to was written word by word just now, so it is read last. */
RTRL_APART void pair_dot(rtrl_t *net, uint32_t bits[2], const j_word *columns, int count)
{
    if (count == 1) {
        dot_dynamics(net->acc, net->D, columns);
        bits[0] |= column_bits(net->acc, N_STATES);
        return;
    }
    int16_t first[UNITS_2], second[UNITS_2];
    dot_words(first, columns);
    dot_words(second, columns + N_STATES);
    __m256i a_bits = _mm256_setzero_si256(), b_bits = a_bits;
    for (int r = 0; r < N_STATES; r += 8) {
        const int16_t *D = &net->D[d_at(r, 0)];
        __m256i a = _mm256_setzero_si256(), b = a;
#pragma GCC unroll 8
        for (int l = 0; l < N_UNITS; l += 2, D += 2 * N_STATES) {
            __m256i rows = avx2_load(D, dot_left(r));
            a = avx2_mac(a, rows, avx2_pair(&first[l]));
            b = avx2_mac(b, rows, avx2_pair(&second[l]));
        }
        a = _mm256_add_epi32(a, avx2_load(&net->acc[r], dot_left(r)));
        b = _mm256_add_epi32(b, avx2_load(&net->acc[ACC_APART + r], dot_left(r)));
        avx2_store(&net->acc[r], a, dot_left(r));
        avx2_store(&net->acc[ACC_APART + r], b, dot_left(r));
        a_bits = avx2_bits(a_bits, a);
        b_bits = avx2_bits(b_bits, b);
    }
    bits[0] |= avx2_or(a_bits);
    bits[1] |= avx2_or(b_bits);
}
