/* Exact RTRL a block of steps at a time. A step stores its trace and its credit. A block's end is a row of parts, after
 * any of which it can stop: for each stored step, from the last one back, its D, then the credit and each row of Phi
 * through it; then the rows brought to one exponent; then, column by column, the gradient and the new J. No weight of
 * the cell moves before the last row is through. When the parts are done is told by block_now.c or block_lagged.c. */
enum {
    STEP_PARTS = N_STATES + 2,                                 /* D, the credit, the rows */
    BOUND_AT = BLOCK * STEP_PARTS,
    EQUAL_AT = BOUND_AT + N_STATES + 1,
    COLUMNS_AT = EQUAL_AT + N_STATES,
    NO_LABEL = -128,
    EMPTY = 127 /* exponent of a step to which a row owes nothing */
};

/* the network's own trace and that of step u change places */
static void block_swap(rtrl_t *net, int u)
{
    rows_swap((int16_t *)(void *)((char *)net + TRACE_AT), &net->past[block_step(net, u) * N_TRACE], N_TRACE);
}

/* Phi <- 1, nothing owed */
static void block_begin(rtrl_t *net)
{
    memset(net->Phi, 0, sizeof net->Phi);
    for (int k = 0; k < N_STATES; k++) {
        net->Phi[k * N_STATES + k] = 16384;
        net->Phi_exp[k] = 14;
    }
    memset(net->lambda, 0, sizeof net->lambda);
    net->lambda_exp = ROW_EXP_MAX;
    memset(net->delta, 0, sizeof net->delta);
    memset(net->delta_exps, EMPTY, sizeof net->delta_exps);
    net->phi_exp = EMPTY;
    net->a_exp = EMPTY;
    net->part = 0;
}

/* the linear form of step u, while the block's weights are the forward weights */
static void block_linearise(rtrl_t *net, int u)
{
    block_swap(net, u);
    cell_linearise(net);
    rows_dynamics(net);
    block_swap(net, u);
}

/* shift that brings sums of these bits to words of `word_bits` */
RTRL_INLINE int block_down(uint32_t bits, int word_bits)
{
    int down = fx_floor_log2(bits | 1) - (word_bits - 2);
    return down > 0 ? down : 0;
}

/* exponent of what a row owes, from the row's */
RTRL_INLINE int8_t block_owed_exp(uint32_t bits, int exponent, int down)
{
    return (int8_t)(bits == 0 ? EMPTY : exponent + COEF_FRAC - SUM_ROOM - down);
}

/* lambda += the credit of step u; delta[.][u]; lambda <- lambda (keep + D) */
static void block_credit(rtrl_t *net, int u)
{
    int at = block_step(net, u);
    if (net->credits_exp[at] != NO_LABEL) {
        net->lambda_exp = row_add(net, net->lambda, net->lambda_exp, &net->credits[at * N_SEEN], net->credits_exp[at]);
    }
    uint32_t bits = rows_immediate(net, net->lambda);
    int down = block_down(bits, 16);
    for (int q = 0; q < GATE_NEURONS; q++) {
        net->delta[q * BLOCK + u] = (int16_t)fx_sat(fx_round_shift(net->acc[q], down), 32767);
    }
    net->delta_exps[u] = block_owed_exp(bits, net->lambda_exp, down);
    net->lambda_exp = row_through(net, net->lambda, net->lambda_exp);
}

/* the same for row k of Phi: A[.][k][u] */
static void block_row(rtrl_t *net, int u, int k)
{
    int16_t *row = &net->Phi[k * N_STATES];
    uint32_t bits = rows_immediate(net, row);
    int down = block_down(bits, J_BITS);
    rows_owed(&net->A[steps_at(k, u)], STEPS, net->acc, GATE_NEURONS, down);
    net->A_exp[k * BLOCK + u] = block_owed_exp(bits, net->Phi_exp[k], down);
    net->Phi_exp[k] = row_through(net, row, net->Phi_exp[k]);
}

/* exponent at which sum |row| <= L1_MAX, so that sum |row| |J| < 2^30 */
static int8_t block_row_bound(const int16_t row[N_STATES], int exponent)
{
    uint32_t l1 = 0, peak = 0;
    for (int r = 0; r < N_STATES; r++) {
        uint32_t size = (uint32_t)fx_abs(row[r]);
        l1 += size;
        peak = size > peak ? size : peak;
    }
    return (int8_t)(exponent - fx_block_shift(l1, peak, N_STATES, L1_MAX, 32767, 0));
}

RTRL_INLINE int8_t block_least(const int8_t exponents[BLOCK])
{
    int8_t least = EMPTY;
    for (int u = 0; u < BLOCK; u++) {
        least = exponents[u] < least ? exponents[u] : least;
    }
    return least;
}

/* exponent at which the sums over the steps, the largest being `most` at `least`, are at most 32767: times |z| < 2^30 */
RTRL_INLINE int8_t block_steps_bound(uint32_t most, int least)
{
    return (int8_t)(least - fx_block_shift(most, 0, BLOCK, 32767, 32767, 0));
}

/* seen <- shifts that bring what is owed, with these exponents, to the exponent `least` */
static void block_shifts(rtrl_t *net, const int8_t exponents[BLOCK], int least)
{
    for (int u = 0; u < BLOCK; u++) {
        net->seen[u] = (int16_t)block_apart(exponents[u], least);
    }
}

/* lambda and delta, ready to be multiplied */
static void block_credit_equal(rtrl_t *net)
{
    int8_t bound = block_row_bound(net->lambda, net->lambda_exp), least = block_least(net->delta_exps);
    for (int r = 0; r < N_STATES; r++) {
        net->lambda[r] = (int16_t)fx_round_shift(net->lambda[r], net->lambda_exp - bound);
    }
    net->lambda_exp = bound;
    uint32_t most = 0;
    block_shifts(net, net->delta_exps, least);
    for (int q = 0; q < GATE_NEURONS; q++) {
        uint32_t sum = BLOCK;
        for (int u = 0; u < BLOCK; u++) {
            sum += (uint32_t)fx_abs(net->delta[q * BLOCK + u]) >> net->seen[u];
        }
        most = sum > most ? sum : most;
    }
    net->delta_exp = block_steps_bound(most, least);
    for (int u = 0; u < BLOCK; u++) {
        int down = block_apart(net->delta_exps[u], net->delta_exp);
        for (int q = 0; q < GATE_NEURONS && down > 0; q++) {
            net->delta[q * BLOCK + u] = (int16_t)fx_round_shift(net->delta[q * BLOCK + u], down);
        }
    }
}

/* phi_exp and a_exp <- the least of all rows' bounds */
static void block_bound(rtrl_t *net, int k)
{
    int8_t bound = block_row_bound(&net->Phi[k * N_STATES], net->Phi_exp[k]);
    int8_t least = block_least(&net->A_exp[k * BLOCK]);
    net->phi_exp = bound < net->phi_exp ? bound : net->phi_exp;
    block_shifts(net, &net->A_exp[k * BLOCK], least);
    bound = block_steps_bound(steps_most(net->A, k, net->seen) + BLOCK, least);
    net->a_exp = bound < net->a_exp ? bound : net->a_exp;
}

/* row k of Phi and A with phi_exp and a_exp */
static void block_equal(rtrl_t *net, int k)
{
    int row_down = block_apart(net->Phi_exp[k], net->phi_exp);
    for (int r = k * N_STATES; r < (k + 1) * N_STATES; r++) {
        net->Phi[r] = (int16_t)fx_round_shift(net->Phi[r], row_down);
    }
    block_shifts(net, &net->A_exp[k * BLOCK], net->a_exp);
    steps_down(net->A, k, net->seen);
    rows_weave(net, k);
}

/* one part of a block's end before the columns, or `most` rows of a step; returns how many were done */
static int block_parts(rtrl_t *net, int part, int most)
{
    if (part < BOUND_AT) {
        int u = BLOCK - 1 - part / STEP_PARTS, k = part % STEP_PARTS - 2;
        if (k == -2) {
            block_linearise(net, u);
        } else if (k == -1) {
            block_credit(net, u);
        } else {
            int count = most < N_STATES - k ? most : N_STATES - k;
            for (int end = k + count; k < end; k++) {
                block_row(net, u, k);
            }
            return count;
        }
    } else if (part == BOUND_AT) {
        block_credit_equal(net);
    } else if (part < EQUAL_AT) {
        block_bound(net, part - BOUND_AT - 1);
    } else {
        block_equal(net, part - EQUAL_AT);
    }
    return 1;
}

/* the stored steps are the next to be worked on: Phi <- 1, nothing owed */
static void block_turn(rtrl_t *net)
{
    block_other(net);
    net->working = net->labels;
    net->stored = 0;
    net->labels = 0;
    block_begin(net);
}

/* count parts at most, up to the part `goal`; returns how many are left */
static uint16_t block_work(rtrl_t *net, uint16_t count, int goal)
{
    bool in_place = false; /* the weights of the block in work */
    while (count > 0 && net->part < goal && net->part < COLUMNS_AT) {
        if (!in_place && net->part < BOUND_AT && net->part % STEP_PARTS == 0) {
            block_weights(net);
            in_place = true;
        }
        int left = goal - net->part, done = block_parts(net, net->part, count < left ? count : left);
        count = (uint16_t)(count - done);
        net->part = (uint16_t)(net->part + done);
    }
    if (in_place) {
        block_weights(net);
    }
    if (net->part >= COLUMNS_AT) {
        column_t here = column_at(net->part - COLUMNS_AT);
        for (; count > 0 && net->part < goal; count--, net->part++) {
            if (count > 1 && goal - net->part > 1 && block_two(net, &here)) {
                column_next(&here);
                count--;
                net->part++;
            } else {
                block_one(net, &here);
            }
            column_next(&here);
        }
    }
    return (uint16_t)(net->part < goal ? goal - net->part : 0);
}

static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    (void)learn;
    uint16_t left = block_work(net, count, block_goal(net));
    if (left == 0 && block_turns(net, true)) {
        block_turn(net);
    }
    return left;
}

/* learn from all that is stored: from a part of a block the gradient alone, J is forgotten. Then no past */
static void rule_reset(rtrl_t *net)
{
    (void)block_work(net, UINT16_MAX, BLOCK_PARTS);
    int steps = net->stored;
    block_turn(net);
    if (net->working > 0) {
        block_weights(net);
        for (int u = steps - 1; u >= 0; u--) {
            block_linearise(net, u);
            block_credit(net, u);
        }
        block_weights(net);
        block_credit_equal(net);
        for (column_t here = column_at(0); here.p < N_COLUMNS; column_next(&here)) {
            block_column(net, &here);
            block_gradient(net, &here);
        }
    }
    block_settle(net);
    net->part = BLOCK_PARTS;
    column_clear(net);
}

static void rule_init(rtrl_t *net)
{
    net->part = BLOCK_PARTS;
    block_settle(net);
    rule_reset(net);
}

static void rule_begin(rtrl_t *net, bool learn)
{
    int at = block_newest(net);
    memcpy(&net->past[at * N_TRACE], (const char *)net + TRACE_AT, N_TRACE * sizeof(int16_t));
    net->credits_exp[at] = NO_LABEL;
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
        memcpy(&net->credits[at * N_SEEN], net->c, sizeof net->c);
        net->credits_exp[at] = net->c_exp;
        net->labels++;
    }
    net->stored++;
    if (block_turns(net, false)) {
        block_turn(net);
    }
}
