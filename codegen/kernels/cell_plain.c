/* A cell whose state the readout sees as it is, and without weights that act on the readout alone. */
RTRL_INLINE void cell_credit(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE void cell_learn(rtrl_t *net)
{
    (void)net;
}
