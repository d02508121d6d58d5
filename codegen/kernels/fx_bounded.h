/* fx_bounded.h - the words that rely on a bound which the plan proves. fx_bounded_checked.h is the same
 * list with a trap where such a bound would be broken; the tests run both. */

/* exact product of two words: |a|, |b| <= 2^15 */
RTRL_INLINE int32_t fx_mul(int32_t a, int32_t b)
{
    return a * b;
}

/* sums that stay inside int32 */
RTRL_INLINE int32_t fx_add(int32_t a, int32_t b)
{
    return a + b;
}

RTRL_INLINE int32_t fx_mac(int32_t acc, int32_t a, int32_t b)
{
    return acc + a * b;
}

/* fx_round_shift for s in 0..31; exact left shift by -s for s in -14..-1, where the result fits */
RTRL_INLINE int32_t fx_scale(int32_t v, int s)
{
    return s >= 0 ? fx_round_shift(v, s) : v * (1 << -s);
}

/* a value that is known to lie in [-top - 1, top] */
RTRL_INLINE int32_t fx_narrow(int32_t v, int32_t top)
{
    (void)top;
    return v;
}
