/* The learning rates never change. */
RTRL_INLINE int rate_drop(const rtrl_t *net)
{
    (void)net;
    return 0;
}
