/* weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    int16_t *hi = &net->w_hi[p];
    w_lo_word *lo = &net->w_lo[p];
    int drop = rate_drop(net);
    weight_step(hi, lo, decay_step(*hi, *lo, factory_w_hi[p], factory_w_lo[p]));
    weight_step(hi, lo, fx_step_size(g, frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop));
}
