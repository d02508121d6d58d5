/* A cell that keeps nothing of its own past beside what the mix carries. */
RTRL_INLINE uint64_t rows_keep_l1(const rtrl_t *net, int of, int i)
{
    (void)net;
    (void)of;
    (void)i;
    return 0;
}

RTRL_INLINE void rows_keep_add(rtrl_t *net, const int16_t row[N_STATES])
{
    (void)net;
    (void)row;
}
