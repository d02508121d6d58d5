/* count weights of the readout from q on, of the gradient a b[j] */
RTRL_INLINE void optimiser_readout_row(rtrl_t *net, int q, int count, int32_t a, const int16_t *b, int frac)
{
    int drop = rate_drop(net);
    weight_row(&net->v_hi[q], &net->v_lo[q], count, a, b, frac - (W_FRAC - V_RATE) + drop, V_LIMIT >> drop);
}
