/* The step: predict, then learn or observe; whole, or cut into slices.
 * Order: forward; influence with the weights that made the forward pass; gradient; update. */
enum { IDLE, PREDICTED, OBSERVING, LEARNING };

static void step_init(rtrl_t *net)
{
    memset(net, 0, sizeof *net);
    readout_init(net);
    trains_init(net);
    rule_init(net);
}

static void step_reset(rtrl_t *net)
{
    cell_reset(net);
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
        net->steps++; /* first: the rates can depend on it */
        loss_error(net, target);
    }
    rule_begin(net, target != NULL);
    if (target) {
        trains_direct(net);
        readout_learn(net); /* after the credit, which needs the old readout */
        cell_teach(net, target); /* for the next step */
    }
    return true;
}

/* slices still to do: of most rules, columns */
static uint16_t step_slice(rtrl_t *net, uint16_t count)
{
    if (net->phase != LEARNING && net->phase != OBSERVING) {
        return 0;
    }
    uint16_t left = rule_slice(net, count, net->phase == LEARNING);
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
    (void)step_slice(net, UINT16_MAX);
    cell_forward(net, x);
    readout_predict(net);
    memcpy(y, net->y, sizeof net->y);
    net->phase = PREDICTED;
}
