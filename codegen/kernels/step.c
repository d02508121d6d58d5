/* The step: predict, then learn or observe; whole, or cut into slices.
 * Order: forward; influence with the weights that made the forward pass; gradient; update. */
enum { IDLE, PREDICTED, OBSERVING, LEARNING };

static void step_init(rtrl_t *net)
{
    memset(net, 0, sizeof *net);
    memcpy(net->w_hi, factory_w_hi, sizeof net->w_hi);
    memcpy(net->v_hi, factory_v_hi, sizeof net->v_hi);
    memcpy(net->v_lo, factory_v_lo, sizeof net->v_lo);
    rule_init(net);
}

static void step_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->h, 0, sizeof net->h);
    rule_reset(net);
    net->phase = IDLE;
}

/* target NULL: no label. False without a prediction to learn from */
static bool step_begin(rtrl_t *net, const int16_t *target)
{
    if (net->phase != PREDICTED) {
        return false;
    }
    net->phase = target ? LEARNING : OBSERVING;
    if (target) {
        loss_error(net->e, net->y, target);
    }
    rule_begin(net, target != NULL);
    if (target) {
        readout_learn(net->v_hi, net->v_lo, net->e, net->h); /* after the credit, which needs the old readout */
        net->steps++;
    }
    return true;
}

/* columns still to do */
static uint16_t step_slice(rtrl_t *net, uint16_t columns)
{
    if (net->phase != LEARNING && net->phase != OBSERVING) {
        return 0;
    }
    uint16_t left = rule_columns(net, columns, net->phase == LEARNING);
    if (left == 0) {
        net->phase = IDLE;
    }
    return left;
}

static void step_predict(rtrl_t *net, const int16_t x[N_IN], int16_t y[N_OUT])
{
    if (net->phase == PREDICTED) { /* a label that never came: the influence still has to move */
        (void)step_begin(net, NULL);
    }
    (void)step_slice(net, N_COLUMNS);
    cell_forward(net->h, net->z, x, net->w_hi);
    readout_predict(net->y, net->h, net->v_hi);
    memcpy(y, net->y, sizeof net->y);
    net->phase = PREDICTED;
}
