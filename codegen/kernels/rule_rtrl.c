/* Exact RTRL: J <- D J + I, g = c^T J, W <- W - rate g, one column after the other, in place.
 * Column p of the new J needs only column p of the old one, so a step can stop after any column. */
static void rule_reset(rtrl_t *net)
{
    memset(net->J, 0, sizeof net->J);
    memset(net->E, E_MAX, sizeof net->E);
}

static void rule_init(rtrl_t *net)
{
    memcpy(net->w_lo, factory_w_lo, sizeof net->w_lo);
    rule_reset(net);
}

/* what all columns share: D with the weights of the forward pass, and the credit */
static void rule_begin(rtrl_t *net, bool learn)
{
    cell_slope(net->slope, net->h);
    net->d_exp = cell_dynamics(net->D, net->slope, net->w_hi);
    if (learn) {
        net->c_exp = readout_credit(net->c, net->e, net->v_hi);
    }
    net->column = 0;
}

/* J_p <- D J_p + immediate, with a new exponent
 * J_p: (N_UNITS) * 2^-E_p   D: (N_UNITS, N_UNITS) * 2^-d_exp   acc: int32 * 2^-(d_exp + E_p)
 * bound: |D J| < 2^30 (L1_MAX), immediate < 2^30, so acc fits; then the exponent that uses J_BITS - 1 bits */
static void rule_advance(rtrl_t *net, int p, int i, int j)
{
    j_word *column = &net->J[p * N_UNITS];
    int frac = net->d_exp + net->E[p]; /* <= 30 */
    int down = 30 - frac;
    int32_t immediate = fx_round_shift(cell_immediate(net->slope, net->z, i, j), down > 31 ? 31 : down);
    dot_dynamics(net->acc, net->D, column);
    net->acc[i] = fx_add(net->acc[i], immediate);
    uint32_t bits = 1; /* not 0: its highest bit is looked for */
    for (int k = 0; k < N_UNITS; k++) {
        bits |= fx_magnitude(net->acc[k]);
    }
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) { /* larger than the cap: saturate, and say so */
        exponent = E_MIN;
        net->capped++;
    }
    for (int k = 0; k < N_UNITS; k++) {
        column[k] = (j_word)fx_sat(fx_scale(net->acc[k], frac - exponent), J_MAX);
    }
    net->E[p] = (int8_t)exponent;
}

/* count columns at most; returns how many are left */
static uint16_t rule_columns(rtrl_t *net, uint16_t count, bool learn)
{
    int i = net->column / N_PRE, j = net->column % N_PRE;
    while (count > 0 && net->column < N_COLUMNS) {
        int p = net->column;
        rule_advance(net, p, i, j);
        if (learn) {
            int32_t g = dot_credit(net->c, &net->J[p * N_UNITS]);
            int frac = net->c_exp + net->E[p];
            optimiser_step(&net->w_hi[p], &net->w_lo[p], g, frac - (W_FRAC - W_RATE), W_LIMIT);
        }
        if (++j == N_PRE) {
            j = 0;
            i++;
        }
        net->column++;
        count--;
    }
    return (uint16_t)(N_COLUMNS - net->column);
}
