/* A cell that keeps nothing of its own past beside what the mix carries. */
RTRL_INLINE int32_t back_kept(const rtrl_t *net, int of, int i)
{
    (void)net;
    (void)of;
    (void)i;
    return 0;
}

RTRL_INLINE int back_kept_frac(const rtrl_t *net)
{
    (void)net;
    return INT16_MAX; /* zero has any number of fraction bits */
}
