/* weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    int drop = rate_drop(net), unit = frac + half_size(&net->log_w[p], g, frac);
    weight_step(&net->w_hi[p], &net->w_lo[p], fx_step_size(g, unit - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop));
}
