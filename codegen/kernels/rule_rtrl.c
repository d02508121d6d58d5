/* Exact RTRL: J <- (keep + D) J + I, g = c^T J, W <- W - rate g, a few columns at a time, in place.
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

/* count columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    column_t here = column_at(net->column);
    int end = here.p + count < N_COLUMNS ? here.p + count : N_COLUMNS;
    while (here.p < end) {
        rule_columns(net, &here, end - here.p, learn);
    }
    net->column = (uint16_t)end;
    return (uint16_t)(N_COLUMNS - end);
}
