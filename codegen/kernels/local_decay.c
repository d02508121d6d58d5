/* Local dynamics of RFLO: the last component of the state fades by a constant, Q0.15. */
RTRL_INLINE void local_prepare(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE int16_t local_word(const rtrl_t *net, int k, int of, int i)
{
    (void)net;
    (void)i;
    return k == N_COMPONENTS - 1 && of == N_COMPONENTS - 1 ? DECAY : 0;
}

RTRL_INLINE int local_exp(const rtrl_t *net)
{
    (void)net;
    return 15;
}
