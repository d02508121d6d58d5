/* w <- w - clip(g * 2^-frac * rate, limit): the gradient's exponent and the rate are one shift. */

/* weight q of the readout */
RTRL_INLINE void optimiser_readout(rtrl_t *net, int q, int32_t g, int frac)
{
    int drop = rate_drop(net);
    weight_step(&net->v_hi[q], &net->v_lo[q], fx_step_size(g, frac - (W_FRAC - V_RATE) + drop, V_LIMIT >> drop));
}
