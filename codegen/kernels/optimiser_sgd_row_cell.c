/* count weights of the cell from p on, of the gradient a b[j] */
RTRL_INLINE void optimiser_cell_row(rtrl_t *net, int p, int count, int32_t a, const int16_t *b, int frac)
{
    int drop = rate_drop(net);
    weight_row(&net->w_hi[p], &net->w_lo[p], count, a, b, frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop);
}
