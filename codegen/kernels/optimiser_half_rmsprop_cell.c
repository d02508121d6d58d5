/* weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    int down = half_size(&net->log_w[p], g, frac) + rate_drop(net);
    weight_step(&net->w_hi[p], &net->w_lo[p], fx_step_size(g, frac - (W_FRAC - W_RATE) + down, W_LIMIT >> rate_drop(net)));
}
