/* w <- w - (w - factory w) * 2^-DECAY, then w <- w - clip(g * 2^-frac * rate, limit). */

/* weight q of the readout */
RTRL_INLINE void optimiser_readout(rtrl_t *net, int q, int32_t g, int frac)
{
    int16_t *hi = &net->v_hi[q];
    w_lo_word *lo = &net->v_lo[q];
    int drop = rate_drop(net);
    weight_step(hi, lo, decay_step(*hi, *lo, factory_v_hi[q], factory_v_lo[q]));
    weight_step(hi, lo, fx_step_size(g, frac - (W_FRAC - V_RATE) + drop, V_LIMIT >> drop));
}
