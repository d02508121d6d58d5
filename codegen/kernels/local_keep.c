/* Local dynamics of a cell whose units do not mix: what a unit keeps. */
RTRL_INLINE void local_prepare(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE int16_t local_word(const rtrl_t *net, int k, int of, int i)
{
    return net->keep[(k * N_COMPONENTS + of) * N_UNITS + i];
}

RTRL_INLINE int local_exp(const rtrl_t *net)
{
    return net->k_exp;
}
