/* A cell that keeps nothing of its own past beside what the mix carries. */
RTRL_INLINE uint64_t keep_l1(const rtrl_t *net, int r)
{
    (void)net;
    (void)r;
    return 0;
}

RTRL_INLINE void keep_add(int32_t *acc, int step, const rtrl_t *net, const j_word column[N_STATES])
{
    (void)acc;
    (void)step;
    (void)net;
    (void)column;
}
