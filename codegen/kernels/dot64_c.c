/* sum of a[i] b[i], exact */
RTRL_INLINE int64_t fx_dot64(const int16_t *a, const int16_t *b, int count)
{
    int64_t sum = 0;
    for (int i = 0; i < count; i++) {
        sum = fx_mac64(sum, a[i], b[i]);
    }
    return sum;
}
