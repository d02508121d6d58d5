/* w <- w - step, saturated. A weight is hi * 2^W_LO_BITS + lo, with hi the int16 Q3.12 that the forward pass reads:
 * rounding the step into the long word, and never into hi, is what keeps small steps alive.
 * bound: |w|, |step| <= TOP < 2^31, so the comparisons below cannot overflow */
RTRL_INLINE void weight_step(int16_t *hi, w_lo_word *lo, int32_t step)
{
    enum { UNIT = 1 << W_LO_BITS, HALF = UNIT / 2, TOP = 32767 * UNIT + HALF - 1 };
    int32_t w = fx_add(*hi * UNIT, *lo);
    if (RTRL_RARELY(step >= 0 ? w < step - TOP : w > step + TOP)) {
        w = step >= 0 ? -TOP : TOP;
    } else {
        w -= step;
    }
    int32_t nearest = (w + HALF) >> W_LO_BITS;
    *hi = (int16_t)nearest;
    *lo = (w_lo_word)(w - nearest * UNIT);
}
