/* fx_bounded_checked.h - the checked twin of fx_bounded.h: computes in 64 bits and traps where a bound that
 * the plan proves does not hold. For tests on a computer, not for the chip. */
RTRL_INLINE int32_t fx_checked(int64_t v, int64_t top)
{
    if (v > top || v < -top - 1) {
        __builtin_trap();
    }
    return (int32_t)v;
}

RTRL_INLINE int32_t fx_mul(int32_t a, int32_t b)
{
    return fx_checked((int64_t)a * b, INT32_MAX);
}

RTRL_INLINE int32_t fx_add(int32_t a, int32_t b)
{
    return fx_checked((int64_t)a + b, INT32_MAX);
}

RTRL_INLINE int32_t fx_mac(int32_t acc, int32_t a, int32_t b)
{
    return fx_checked(acc + (int64_t)a * b, INT32_MAX);
}

RTRL_INLINE int32_t fx_scale(int32_t v, int s)
{
    if (s < -14 || s > 31) {
        __builtin_trap();
    }
    return s >= 0 ? fx_round_shift(v, s) : fx_checked((int64_t)v * (1 << -s), INT32_MAX);
}

RTRL_INLINE int32_t fx_narrow(int32_t v, int32_t top)
{
    return fx_checked(v, top);
}
