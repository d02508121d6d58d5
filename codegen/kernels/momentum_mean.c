/* m <- m + (clip(g) - m) * 2^-MOMENTUM, w <- w - rate m; m has M_FRAC fraction bits, in which the clip is M_TOP.
 * bound: |clip(g)|, |m| <= 2^29, so their difference is at most 2^30, and m stays between the two */
RTRL_INLINE int32_t momentum_mean(int32_t *m, int32_t g, int frac)
{
    int32_t away = fx_add(fx_step_size(g, frac - M_FRAC, M_TOP), -*m);
    *m = fx_add(*m, fx_round_shift(away, MOMENTUM));
    return *m;
}
