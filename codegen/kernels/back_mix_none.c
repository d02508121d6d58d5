/* A cell whose units do not see each other: nothing goes back through a mix. */
RTRL_INLINE int32_t back_mixed(const rtrl_t *net, const int16_t err[N_BLOCKS * N_NEURONS], int l)
{
    (void)net;
    (void)err;
    (void)l;
    return 0;
}

RTRL_INLINE int back_mixed_frac(const rtrl_t *net, int err_exp)
{
    (void)net;
    (void)err_exp;
    return INT16_MAX; /* zero has any number of fraction bits */
}
