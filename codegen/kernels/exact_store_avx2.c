/* exact_store_c.c for AVX2: eight words at a time are rounded as in fx_round_shift, and VPACKSSDW saturates them. */
RTRL_INLINE void column_eight(j_word *column, const int32_t *acc, int down)
{
    __m256i half = _mm256_sra_epi32(avx2_load(acc, 8), _mm_cvtsi32_si128(down - 1));
    __m256i words = _mm256_srai_epi32(_mm256_add_epi32(half, _mm256_set1_epi32(1)), 1);
    __m128i eight = _mm_packs_epi32(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
    if (sizeof(j_word) == 1) {
        _mm_storel_epi64((__m128i *)(void *)column, _mm_packs_epi16(eight, eight));
    } else {
        _mm_storeu_si128((__m128i *)(void *)column, eight);
    }
}

RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        net->capped++;
    }
    net->E[p] = (int8_t)exponent;
    int down = frac - exponent, k = 0;
    if (down >= 1) { /* nearly always */
        for (; k + 8 <= count; k += 8) {
            column_eight(&column[k], &acc[k], down);
        }
    }
    for (; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], down), J_MAX);
    }
    return avx2_dot(&column[count - seen], sizeof(j_word), c, seen);
}
