/* weights p and p + 1 of the cell, of gradients g * 2^-frac each */
RTRL_INLINE void optimiser_two(rtrl_t *net, int p, int32_t a_g, int32_t b_g, int a_frac, int b_frac)
{
    optimiser_cell(net, p, a_g, a_frac);
    optimiser_cell(net, p + 1, b_g, b_frac);
}
