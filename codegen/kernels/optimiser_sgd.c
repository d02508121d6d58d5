/* w <- w - clip(g * 2^-frac * rate, limit), saturated: the gradient's exponent and the rate are one shift.
 * A weight is hi * 2^W_LO_BITS + lo, with hi the int16 Q3.12 that the forward pass reads: rounding the step
 * into the long word, and never into hi, is what keeps small steps alive.
 * bound: |w| <= TOP < 2^31, so the comparisons below cannot overflow */
RTRL_INLINE void optimiser_step(int16_t *hi, w_lo_word *lo, int32_t g, int shift, int32_t limit)
{
    enum { UNIT = 1 << W_LO_BITS, HALF = UNIT / 2, TOP = 32767 * UNIT + HALF - 1 };
    int32_t step = fx_step_size(g, shift, limit);
    int32_t w = fx_add(*hi * UNIT, *lo);
    if (step >= 0) {
        w = w < step - TOP ? -TOP : w - step;
    } else {
        w = w > step + TOP ? TOP : w - step;
    }
    int32_t nearest = (w + HALF) >> W_LO_BITS;
    *hi = (int16_t)nearest;
    *lo = (w_lo_word)(w - nearest * UNIT);
}

/* weight q of the readout */
RTRL_INLINE void optimiser_readout(rtrl_t *net, int q, int32_t g, int frac)
{
    optimiser_step(&net->v_hi[q], &net->v_lo[q], g, frac - (W_FRAC - V_RATE), V_LIMIT);
}
