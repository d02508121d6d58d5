/* weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    optimiser_step(&net->w_hi[p], &net->w_lo[p], g, frac - (W_FRAC - W_RATE), W_LIMIT);
}
