/* Exact RTRL where units do not mix: J_p <- keep J_p + coef z, g = c^T J_p, for the states of the weight's own unit.
 * Unit by unit: the linear form of one unit serves all its columns and is kept nowhere. Its weights move only once it
 * is made, and it needs no others: so units may come in slices, but not parts of them. */
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
    cell_exponent(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
    }
    net->unit = 0;
}

/* all columns of unit i */
RTRL_INLINE void rule_unit(rtrl_t *net, unit_t *unit, int i)
{
    enum { FIRST = (N_STATES - N_SEEN) / N_UNITS };
    cell_unit(unit, net, i);
    for (int k = 0; k < N_COMPONENTS; k++) {
        unit->c[k] = k < FIRST ? 0 : net->c[(k - FIRST) * N_UNITS + i];
    }
    unit_ready(unit);
#pragma GCC unroll UNIT_COPIES
    for (int r = 0; r < N_RUNS; r++) {
        const rtrl_run_t *run = &rtrl_runs[r];
        const rtrl_block_t *block = &rtrl_blocks[run->block];
        int p = run->column + i * run->width, w = block->offset + i * block->width + run->start;
        for (int j = 0; j < run->width; j++) {
            unit_column(net, p + j, w + j, unit, &unit->coef[run->block * N_COMPONENTS], net->z[block->at + run->start + j]);
        }
    }
}

/* count units at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    unit_t unit = { .learn = learn, .c_exp = net->c_exp, .exp = unit_exp(net) };
    int i = net->unit;
    for (; count > 0 && i < N_UNITS; count--, i++) {
        rule_unit(net, &unit, i);
    }
    net->unit = (uint16_t)i;
    return (uint16_t)(N_UNITS - i);
}
