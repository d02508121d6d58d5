/* J = sum over pairs of A_s u_s^T 2^-E_s: what KF-RTRL and the Kronecker sums share.
 * u: (N_STORED, N_WIDTH)   A: (N_STORED, N_ROWS, N_STATES)   int16
 * g[r][j] = sum_s (c^T D A_s)[r] u_s[j] + (c^T I)[r] z[j], with the pairs from before they are merged. */
static void rule_reset(rtrl_t *net)
{
    memset(net->u, 0, sizeof net->u);
    memset(net->A, 0, sizeof net->A);
    memset(net->E, PAIR_E_EMPTY, sizeof net->E);
}

static void rule_init(rtrl_t *net)
{
    net->random = fx_random_seed(SEED);
    rule_reset(net);
}

/* A <- D A with all the bits it can have: each row first with a shift of its own, then all with the largest */
static void kronecker_advance(rtrl_t *net, int pair)
{
    enum { LEAST = -14 };
    int most = LEAST;
    int16_t *A = &net->A[pair * N_ROWS * N_STATES];
    for (int r = 0; r < N_ROWS; r++) {
        int16_t *row = &A[r * N_STATES];
        advance(net, row);
        uint32_t bits = 0;
        for (int k = 0; k < N_STATES; k++) {
            bits |= (uint32_t)fx_abs(net->acc[k]);
        }
        int down = pair_down(bits); /* LEAST for zeros */
        for (int k = 0; k < N_STATES; k++) {
            row[k] = pair_word(net->acc[k], down);
        }
        net->row_down[r] = (int8_t)down;
        most = down > most ? down : most;
    }
    for (int r = 0; r < N_ROWS; r++) {
        for (int k = 0; k < N_STATES; k++) {
            int16_t *word = &A[r * N_STATES + k];
            *word = (int16_t)fx_round_shift(*word, most - net->row_down[r]);
        }
    }
    int exponent = net->E[pair] + advance_exp(net) - most;
    net->E[pair] = pair_exponent(net, &net->u[pair * N_WIDTH], N_WIDTH, exponent);
}

/* c^T A of each row, and the fraction bits of its products with u
 * bound: sum |c| < 2^15, so |c^T A| < 2^30. The sums are computed twice, as those of the credit */
static void kronecker_credit(rtrl_t *net, int pair)
{
    const int16_t *A = &net->A[pair * N_ROWS * N_STATES + N_STATES - N_SEEN];
    uint32_t bits = 0;
    for (int r = 0; r < N_ROWS; r++) {
        bits |= (uint32_t)fx_abs(dot_credit(net->c, &A[r * N_STATES]));
    }
    int down = pair_down(bits);
    for (int r = 0; r < N_ROWS; r++) {
        net->pair_row[pair * N_ROWS + r] = pair_word(dot_credit(net->c, &A[r * N_STATES]), down);
    }
    net->term_down[pair] = (int8_t)(bits ? net->c_exp + net->E[pair] - down : NO_TERM);
}

static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    advance_begin(net);
    for (int pair = 0; pair < N_PAIRS; pair++) {
        kronecker_advance(net, pair);
    }
    net->column = N_COLUMNS; /* without a label no column has anything to do */
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
        for (int pair = 0; pair < N_PAIRS; pair++) {
            kronecker_credit(net, pair);
        }
        immediate_credit(net);
        gradient_align(net);
        net->column = 0;
    }
}

/* bound: N_PAIRS + 1 terms, each below 2^30 / 2^HEADROOM after its shift */
RTRL_INLINE int32_t kronecker_gradient(const rtrl_t *net, int r, int j)
{
    int32_t g = fx_round_shift(fx_mul(net->credit_row[r], net->z[Z_AT + j]), net->term_down[N_PAIRS]);
    for (int pair = 0; pair < N_PAIRS; pair++) {
        int32_t term = fx_mul(net->pair_row[pair * N_ROWS + r], net->u[pair * N_WIDTH + j]);
        g = fx_add(g, fx_round_shift(term, net->term_down[pair]));
    }
    return g;
}

/* one row of the immediate Jacobian without z: the coefficients of its own unit, zero elsewhere */
static void kronecker_fresh(const rtrl_t *net, int16_t row[N_STATES], int r)
{
    int gate = fx_part(r, N_UNITS, N_BLOCKS), i = r - gate * N_UNITS;
    memset(row, 0, sizeof(int16_t) * N_STATES);
    for (int k = i; k < N_STATES; k += N_UNITS) {
        row[k] = net->coef[gate * N_STATES + k];
    }
}

/* exponent of the immediate pair z x coef */
enum { FRESH_EXP = 15 + COEF_FRAC };

/* the rule's own */
static void kronecker_merge(rtrl_t *net);

/* count columns at most, and after the last of them the merge; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    (void)learn;
    column_t here = column_at(net->column);
    while (count > 0 && here.p < N_COLUMNS) {
        int32_t g = kronecker_gradient(net, here.block * N_UNITS + here.unit, here.input - Z_AT);
        optimiser_cell(net, here.weight, g, net->g_exp);
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    if (here.p == N_COLUMNS) {
        kronecker_merge(net);
    }
    return (uint16_t)(N_COLUMNS - here.p);
}
