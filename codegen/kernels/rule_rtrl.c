/* Exact RTRL: J <- (keep + D) J + I, g = c^T J, W <- W - rate g, one column after the other, in place.
 * Column p of the new J needs only column p of the old one, so a step can stop after any column. */
static void rule_reset(rtrl_t *net)
{
    column_clear(net);
}

static void rule_init(rtrl_t *net)
{
    rule_reset(net);
}

/* what all columns share: the linear form with the weights of the forward pass, and the credit */
static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    dynamics(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
    }
    net->column = 0;
}

/* J_p: (N_STATES) * 2^-column_exp   D: (N_STATES, N_UNITS) * 2^-d_exp   acc: int32 * 2^-(d_exp + column_exp)
 * bound: |D J| + |keep J| < 2^30 (L1_MAX), immediate <= 2^30, so acc fits */
static void rule_advance(rtrl_t *net, const column_t *here)
{
    j_word *column = &net->J[here->p * N_STATES];
    int frac = net->d_exp + column_exp(net, here->p);
    dot_dynamics(net->acc, net->D, &column[N_STATES - N_UNITS]);
    keep_add(net, column);
    immediate_add(net, here, frac);
    column_store(net, here->p, column, net->acc, N_STATES, frac);
}

/* count columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    column_t here = column_at(net->column);
    while (count > 0 && here.p < N_COLUMNS) {
        rule_advance(net, &here);
        if (learn) {
            int32_t g = dot_credit(net->c, &net->J[here.p * N_STATES + N_STATES - N_SEEN]);
            optimiser_cell(net, here.weight, g, net->c_exp + column_exp(net, here.p));
        }
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    return (uint16_t)(N_COLUMNS - here.p);
}
