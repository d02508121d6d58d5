/* weight q of the readout */
RTRL_INLINE void optimiser_readout(rtrl_t *net, int q, int32_t g, int frac)
{
    int drop = rate_drop(net);
    int32_t m = momentum_mean(&net->m_v[q], g, frac);
    weight_step(&net->v_hi[q], &net->v_lo[q], fx_step_size(m, M_FRAC - (W_FRAC - V_RATE) + drop, V_LIMIT >> drop));
}
