/* A block's end is worked on during the next block, BLOCK_QUOTA of work a step: no step is much longer than others. The
 * steps to come go to the other half of what is stored. `w_other` are at first the weights of the block in work, for its
 * D; later, column by column, those that it has learned, which become the forward weights when the next block is full. */
RTRL_INLINE int block_step(const rtrl_t *net, int u) /* place of step u of the block in work */
{
    return (net->half ? 0 : BLOCK) + u;
}

RTRL_INLINE int block_newest(const rtrl_t *net) /* place of the step to be stored */
{
    return (net->half ? BLOCK : 0) + net->stored;
}

RTRL_INLINE void block_weights(rtrl_t *net) /* the forward weights and those of the block in work change places */
{
    rows_swap(net->w_hi, net->w_other, N_GATED);
}

RTRL_INLINE void block_apply(rtrl_t *net, int p, int32_t g, int frac)
{
    int16_t forward = net->w_hi[p];
    optimiser_cell(net, p, g, frac);
    net->w_other[p] = net->w_hi[p];
    net->w_hi[p] = forward;
}

RTRL_INLINE void block_keep(rtrl_t *net, int p) /* a weight that learns nothing from its block */
{
    net->w_other[p] = net->w_hi[p];
}

RTRL_INLINE int block_goal(const rtrl_t *net) /* parts to be done before the next prediction */
{
    enum {
        /* work in quarters of a row's */
        STEP = 4 * (N_STATES + 9), /* of a stored step: D is that of six rows, the credit of three */
        EQUALS = 2 * N_STATES + 1, /* parts that bring rows to one exponent, */
        EQUAL = 10,                /* and of each; of the credit's, the first, 40 */
        COLUMN = 5
    };
    int work = net->stored * BLOCK_QUOTA, step = work / STEP, begun = work % STEP / 4 - 7;
    int after = work - BLOCK * STEP - (40 - EQUAL);
    if (step < BLOCK) {
        return step * (N_STATES + 2) + (begun > 0 ? begun : 0);
    }
    int columns = (after - EQUALS * EQUAL) / COLUMN, goal = BLOCK * (N_STATES + 2);
    goal += after < EQUALS * EQUAL ? (after < 0 ? 0 : after / EQUAL) : EQUALS + columns + columns % 2;
    return goal > BLOCK_PARTS ? BLOCK_PARTS : goal;
}

RTRL_INLINE bool block_turns(const rtrl_t *net, bool worked) /* whether the stored block is the next to be worked on */
{
    return worked && net->stored == BLOCK;
}

RTRL_INLINE void block_other(rtrl_t *net) /* the other half of what is stored, for the steps to come */
{
    net->half ^= 1;
    block_weights(net);
}

RTRL_INLINE void block_settle(rtrl_t *net) /* after all that is stored was learned from */
{
    if (net->working > 0) {
        memcpy(net->w_hi, net->w_other, sizeof net->w_hi);
    }
    memcpy(net->w_other, net->w_hi, sizeof net->w_hi);
    net->half = 0;
}
