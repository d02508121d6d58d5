/* A block's end is worked on as soon as its last step is stored, before the next prediction. */
RTRL_INLINE int block_step(const rtrl_t *net, int u) /* place of step u of the block in work */
{
    (void)net;
    return u;
}

RTRL_INLINE int block_newest(const rtrl_t *net) /* place of the step to be stored */
{
    return net->stored;
}

RTRL_INLINE void block_weights(rtrl_t *net) /* the forward weights and those of the block in work change places */
{
    (void)net;
}

RTRL_INLINE void block_apply(rtrl_t *net, int p, int32_t g, int frac)
{
    optimiser_cell(net, p, g, frac);
}

RTRL_INLINE void block_keep(rtrl_t *net, int p) /* a weight that learns nothing from its block */
{
    (void)net;
    (void)p;
}

RTRL_INLINE int block_goal(const rtrl_t *net) /* parts to be done before the next prediction */
{
    (void)net;
    return BLOCK_PARTS;
}

RTRL_INLINE bool block_turns(const rtrl_t *net, bool worked) /* whether the stored block is the next to be worked on */
{
    return !worked && net->stored == BLOCK;
}

RTRL_INLINE void block_other(rtrl_t *net) /* the other half of what is stored, for the steps to come */
{
    (void)net;
}

RTRL_INLINE void block_settle(rtrl_t *net) /* after all that is stored was learned from */
{
    (void)net;
}
