/* avx2.h - words of AVX2 for the host twin: a register holds eight int32 or sixteen int16. No device has these. */
#include <immintrin.h>

/* lanes 0..left - 1 */
RTRL_INLINE __m256i avx2_lanes(int left)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(left), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* eight times four bytes at any address; of the last ones, those that are left and zeros */
RTRL_INLINE __m256i avx2_load(const void *at, int left)
{
    return left < 8 ? _mm256_maskload_epi32((const int *)at, avx2_lanes(left)) : _mm256_loadu_si256((const __m256i *)at);
}

RTRL_INLINE void avx2_store(int32_t *at, __m256i v, int left)
{
    if (left < 8) {
        _mm256_maskstore_epi32(at, avx2_lanes(left), v);
    } else {
        _mm256_storeu_si256((__m256i *)(void *)at, v);
    }
}

/* two words, eight times */
RTRL_INLINE __m256i avx2_pair(const int16_t *at)
{
    int32_t pair;
    memcpy(&pair, at, sizeof pair);
    return _mm256_set1_epi32(pair);
}

/* acc + low a * low b + high a * high b, eight times. It wraps, so the order of additions is free: a sum that fits at
 * the end, by its L1 norm, has the same bits as in plain C */
RTRL_INLINE __m256i avx2_mac(__m256i acc, __m256i a, __m256i b)
{
    return _mm256_add_epi32(acc, _mm256_madd_epi16(a, b));
}

/* bits of v or -v - 1 (fx_magnitude), ORed to those of others */
RTRL_INLINE __m256i avx2_bits(__m256i bits, __m256i v)
{
    return _mm256_or_si256(bits, _mm256_xor_si256(v, _mm256_srai_epi32(v, 31)));
}

/* all eight, ORed */
RTRL_INLINE uint32_t avx2_or(__m256i v)
{
    __m128i four = _mm_or_si128(_mm256_castsi256_si128(v), _mm256_extracti128_si256(v, 1));
    __m128i two = _mm_or_si128(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)(_mm_cvtsi128_si32(two) | _mm_extract_epi32(two, 1));
}

/* eight words; or bytes, as words */
RTRL_INLINE __m128i avx2_words(const void *at, size_t size)
{
    return size == 1 ? _mm_cvtepi8_epi16(_mm_loadl_epi64((const __m128i *)at)) : _mm_loadu_si128((const __m128i *)at);
}

/* sum of a[i] v[i]; a: words of `size` bytes */
RTRL_INLINE int32_t avx2_dot(const void *a, size_t size, const int16_t *v, int count)
{
    __m128i sums = _mm_setzero_si128();
    int eights = count / 8 * 8;
    for (int i = 0; i < eights; i += 8) {
        __m128i eight = avx2_words((const char *)a + (size_t)i * size, size);
        sums = _mm_add_epi32(sums, _mm_madd_epi16(eight, avx2_words(&v[i], sizeof(int16_t))));
    }
    sums = _mm_add_epi32(sums, _mm_unpackhi_epi64(sums, sums));
    int32_t sum = _mm_cvtsi128_si32(sums) + _mm_extract_epi32(sums, 1);
    for (int i = eights; i < count; i++) {
        sum = fx_mac(sum, size == 1 ? ((const int8_t *)a)[i] : ((const int16_t *)a)[i], v[i]);
    }
    return sum;
}
