/* optimiser_sgd_cell.c for the Arm DSP extension.
 * weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    int drop = rate_drop(net);
    weight_step(&net->w_hi[p], &net->w_lo[p], fx_step_size(g, frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop));
}

/* weights p and p + 1, of gradients g * 2^-frac each */
RTRL_INLINE RTRL_UNUSED void optimiser_two(rtrl_t *net, int p, int32_t a_g, int32_t b_g, int a_frac, int b_frac)
{
    int drop = rate_drop(net);
    int32_t a_step = fx_step_size(a_g, a_frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop);
    int32_t b_step = fx_step_size(b_g, b_frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop);
    weight_two(&net->w_hi[p], &net->w_lo[p], a_step, b_step);
}
