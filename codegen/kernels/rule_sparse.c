/* RTRL on sparse weights: J_p <- D J_p + I_p on the units that the weight of column p reaches, g = c^T J_p, one column
 * after the other, in place. rtrl_reach has them for each unit, that unit first, from rtrl_reach_at[i] on: all that
 * depend on it, then it is exact; or those a few steps away, then it is SnAp-n. One component, nothing kept. */
static void rule_reset(rtrl_t *net)
{
    column_clear(net);
}

static void rule_init(rtrl_t *net)
{
    rule_reset(net);
}

/* D at the places of rtrl_pattern = the mix, rounded with one exponent d_exp <= COEF_FRAC
 * bound: after the shift no row of D has an L1 norm above L1_MAX, so sum |D| |J| < 2^30; no entry exceeds D_MAX */
static void rule_dynamics(rtrl_t *net)
{
    uint64_t l1 = 0;
    uint32_t peak = 0;
    for (int i = 0; i < N_UNITS; i++) {
        uint64_t row = 0;
        for (int e = (int)rtrl_pattern_at[i]; e < (int)rtrl_pattern_at[i + 1]; e++) {
            uint32_t size = (uint32_t)fx_abs(cell_mix_entry(net, i, e));
            row += size;
            peak = size > peak ? size : peak;
        }
        l1 = row > l1 ? row : l1;
    }
    int shift = fx_block_shift(l1, peak, N_UNITS, L1_MAX, D_MAX, MIX_FRAC - COEF_FRAC);
    for (int i = 0; i < N_UNITS; i++) {
        for (int e = (int)rtrl_pattern_at[i]; e < (int)rtrl_pattern_at[i + 1]; e++) {
            net->D[e] = (d_word)fx_narrow(fx_round_shift(cell_mix_entry(net, i, e), shift), D_MAX);
        }
    }
    net->d_exp = (int8_t)(MIX_FRAC - shift);
}

static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    rule_dynamics(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
    }
    net->column = 0;
    net->entry = 0;
}

/* column: (count) * 2^-E_p, entry r of unit rows[r]   whole: (N_UNITS) the same, zero elsewhere
 * bound: |D J| < 2^30 (L1_MAX), immediate <= 2^30 and shifted right, as frac <= COEF_FRAC + 15; acc fits */
static void rule_advance(rtrl_t *net, const column_t *here, j_word *column, const uint8_t *rows, int count)
{
    for (int r = 0; r < count; r++) {
        net->whole[rows[r]] = column[r];
    }
    for (int r = 0; r < count; r++) {
        int k = rows[r];
        int32_t sum = 0;
        for (int e = (int)rtrl_pattern_at[k]; e < (int)rtrl_pattern_at[k + 1]; e++) {
            sum = fx_mac(sum, net->D[e], net->whole[rtrl_pattern[e]]);
        }
        net->acc[r] = sum;
    }
    for (int r = 0; r < count; r++) {
        net->whole[rows[r]] = 0;
    }
    int frac = net->d_exp + column_exp(net, here->p);
    int down = COEF_FRAC + 15 - frac;
    int32_t term = fx_mul(net->coef[here->block * N_UNITS + here->unit], net->z[here->input]);
    net->acc[0] = fx_add(net->acc[0], fx_round_shift(term, down > 31 ? 31 : down));
    (void)column_store(net, here->p, column, net->acc, count, frac, column_bits(net->acc, count), NULL, 0);
}

/* bound: sum |c| <= L1_MAX, so |g| < 2^30 */
RTRL_INLINE int32_t rule_gradient(const rtrl_t *net, const j_word *column, const uint8_t *rows, int count)
{
    int32_t g = 0;
    for (int r = 0; r < count; r++) {
        g = fx_mac(g, net->c[rows[r]], column[r]);
    }
    return g;
}

/* count columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    column_t here = column_at(net->column);
    while (count > 0 && here.p < N_COLUMNS) {
        const uint8_t *rows = &rtrl_reach[rtrl_reach_at[here.unit]];
        int reached = (int)(rtrl_reach_at[here.unit + 1] - rtrl_reach_at[here.unit]);
        j_word *column = &net->J[net->entry];
        rule_advance(net, &here, column, rows, reached);
        if (learn) {
            int32_t g = rule_gradient(net, column, rows, reached);
            optimiser_cell(net, here.weight, g, net->c_exp + column_exp(net, here.p));
        }
        net->entry += (uint32_t)reached;
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    return (uint16_t)(N_COLUMNS - here.p);
}
