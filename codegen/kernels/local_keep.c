/* Local dynamics of what a unit keeps: all there is where units do not mix, the trace of e-prop where they do. */
RTRL_INLINE void local_prepare(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE int16_t local_word(const rtrl_t *net, int k, int of, int i)
{
    return of < N_PRIVATE ? net->keep[(k * N_PRIVATE + of) * N_UNITS + i] : 0;
}

RTRL_INLINE int local_exp(const rtrl_t *net)
{
    return net->k_exp;
}
