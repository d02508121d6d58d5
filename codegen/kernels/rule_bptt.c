/* Truncated back-propagation through time: at a labelled step the newest loss goes back over the ring, newest step first,
 * each linearised from its own trace and the present weights; then g_p = sum over the steps of err z, one column after the
 * other, W <- W - rate g. All steps go back before the first weight moves, and the newest trace is put back. */
static void rule_reset(rtrl_t *net)
{
    net->newest = WINDOW - 1; /* the next step is the first in the ring */
    net->filled = 0;
}

static void rule_init(rtrl_t *net)
{
    rule_reset(net);
}

/* place in the ring of the step made so many steps ago, < WINDOW */
RTRL_INLINE int ring_place(const rtrl_t *net, int ago)
{
    int place = net->newest - ago;
    return place < 0 ? place + WINDOW : place;
}

RTRL_INLINE void ring_swap_in(rtrl_t *net, int ago)
{
    memcpy((char *)net + TRACE_AT, &net->ring[ring_place(net, ago) * N_TRACE], N_TRACE * sizeof(int16_t));
}

static void rule_begin(rtrl_t *net, bool learn)
{
    net->newest = (uint16_t)(net->newest + 1 < WINDOW ? net->newest + 1 : 0);
    net->filled = (uint16_t)(net->filled < WINDOW ? net->filled + 1 : WINDOW);
    memcpy(&net->ring[net->newest * N_TRACE], (const char *)net + TRACE_AT, N_TRACE * sizeof(int16_t));
    net->part = 0;
    if (learn) {
        cell_linearise(net);
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
        memset(net->delta, 0, sizeof net->delta);
        memcpy(&net->delta[N_STATES - N_SEEN], net->c, sizeof net->c);
        net->delta_exp = net->c_exp;
    }
}

/* the errors of a stored step, and delta one step further back */
static void rule_step_back(rtrl_t *net, int ago)
{
    int place = ring_place(net, ago);
    int16_t *err = &net->err[place * N_ERRORS];
    if (ago > 0) { /* the newest step is linearised already */
        ring_swap_in(net, ago);
        cell_linearise(net);
    }
    int err_exp = back_errors(net, err);
    if (ago + 1 < net->filled) {
        back_delta(net, back_through(net, err, err_exp));
    }
    net->err_exp[place] = (int16_t)err_exp;
}

/* err_exp becomes the shift that brings err z to the coarsest exponent of all steps, with room for their sum */
static void rule_align(rtrl_t *net)
{
    int least = net->err_exp[0];
    for (int place = 1; place < net->filled; place++) {
        least = net->err_exp[place] < least ? net->err_exp[place] : least;
    }
    for (int place = 0; place < net->filled; place++) {
        int down = net->err_exp[place] - least + COLUMN_DOWN;
        net->err_exp[place] = (int16_t)(down > 31 ? 31 : down);
    }
    /* coarser than 2^32 all is clipped, finer than 2^-63 nothing moves: the optimiser sees no shift beyond */
    int frac = least + 15 - COLUMN_DOWN;
    net->g_exp = (int16_t)(frac < -32 ? -32 : frac > 63 ? 63 : frac);
}

/* count steps back and columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    if (!learn) {
        return 0;
    }
    int part = net->part;
    if (part < net->filled) {
        while (count > 0 && part < net->filled) {
            rule_step_back(net, part);
            part++;
            count--;
        }
        ring_swap_in(net, 0);
        if (part == net->filled) {
            rule_align(net);
        }
    }
    if (part >= net->filled) {
        column_t here = column_at(part - net->filled);
        while (count > 0 && here.p < N_COLUMNS) {
            count = (uint16_t)(count - window_columns(net, &here, count));
        }
        part = net->filled + here.p;
    }
    net->part = (uint16_t)part;
    return (uint16_t)(net->filled + N_COLUMNS - part);
}
