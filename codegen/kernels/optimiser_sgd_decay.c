/* w <- w - (w - factory w) * 2^-DECAY, then w <- w - clip(g * 2^-frac * rate, limit). */

/* what is taken back of the distance between two weights
 * bound: the distance is below 2^32 and DECAY at least 1, so the result is not beyond the largest weight */
RTRL_INLINE int32_t decay_step(int16_t hi, w_lo_word lo, int16_t first_hi, w_lo_word first_lo)
{
    int64_t distance = (int64_t)(hi - first_hi) * (1 << W_LO_BITS) + (lo - first_lo);
    return (int32_t)fx_round_shift64(distance, DECAY);
}

/* weight q of the readout */
RTRL_INLINE void optimiser_readout(rtrl_t *net, int q, int32_t g, int frac)
{
    int16_t *hi = &net->v_hi[q];
    w_lo_word *lo = &net->v_lo[q];
    int drop = rate_drop(net);
    weight_step(hi, lo, decay_step(*hi, *lo, factory_v_hi[q], factory_v_lo[q]));
    weight_step(hi, lo, fx_step_size(g, frac - (W_FRAC - V_RATE) + drop, V_LIMIT >> drop));
}
