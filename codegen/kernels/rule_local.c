/* Local influence: J_p <- own_i J_p + immediate, g = c_i^T J_p, for the states of the weight's own unit i alone.
 * Exact RTRL where units do not mix; elsewhere the approximation that the local_*.c in use states. */
static void rule_reset(rtrl_t *net)
{
    column_clear(net);
}

static void rule_init(rtrl_t *net)
{
    rule_reset(net);
}

static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    local_prepare(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
    }
    net->column = 0;
}

/* J_p: (N_COMPONENTS) * 2^-column_exp   own: * 2^-local_exp   acc: int32 * 2^-frac
 * frac leaves the immediate term a right shift, so that of the products is shifted where own is finer than coef
 * bound: sum |own| <= 2^15 a row, or <= sqrt(2) 2^15 where own is finer (RTU's rotation): |own J| < 2^31, and <= 2^30
 * after the shift; |coef z| <= 2^30, shifted right; the sum fits */
RTRL_INLINE void rule_advance(rtrl_t *net, const column_t *here, int own_exp)
{
    j_word *column = &net->J[here->p * N_COMPONENTS];
    int32_t acc[N_COMPONENTS];
    int finer = own_exp > COEF_FRAC ? own_exp - COEF_FRAC : 0;
    int frac = own_exp - finer + column_exp(net, here->p);
    int down = COEF_FRAC + 15 - frac;
    down = down > 31 ? 31 : down;
    for (int k = 0; k < N_COMPONENTS; k++) {
        int32_t sum = 0;
        for (int of = 0; of < N_COMPONENTS; of++) {
            sum = fx_mac(sum, local_word(net, k, of, here->unit), column[of]);
        }
        int32_t term = fx_mul(local_coef(net, here, k), net->z[here->input]);
        acc[k] = fx_add(fx_round_shift(sum, finer), fx_round_shift(term, down));
    }
    (void)column_store(net, here->p, column, acc, N_COMPONENTS, frac, column_bits(acc, N_COMPONENTS), NULL, 0);
}

/* bound: sum |c| <= L1_MAX = 2^15 - 1, so |g| < 2^30 */
RTRL_INLINE int32_t rule_gradient(const rtrl_t *net, const column_t *here)
{
    enum { FIRST = (N_STATES - N_SEEN) / N_UNITS };
    const j_word *column = &net->J[here->p * N_COMPONENTS];
    int32_t g = 0;
    for (int k = FIRST; k < N_COMPONENTS; k++) {
        g = fx_mac(g, net->c[(k - FIRST) * N_UNITS + here->unit], column[k]);
    }
    return g;
}

/* count columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    column_t here = column_at(net->column);
    int own_exp = local_exp(net), c_exp = net->c_exp;
    while (count > 0 && here.p < N_COLUMNS) {
        rule_advance(net, &here, own_exp);
        if (learn) {
            optimiser_cell(net, here.weight, rule_gradient(net, &here), c_exp + column_exp(net, here.p));
        }
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    return (uint16_t)(N_COLUMNS - here.p);
}
