/* The immediate derivative: g[gate][i][j] = delta[gate][i] z[j]. No influence; without a label nothing to do. */
static void rule_reset(rtrl_t *net)
{
    (void)net;
}

static void rule_init(rtrl_t *net)
{
    (void)net;
}

/* delta: (N_BLOCKS, N_NEURONS) * 2^-delta_exp, one exponent for all. The sums are computed twice, as the credit's are
 * bound: after the shift |delta| <= 2^15 - 1, so |delta z| < 2^30 */
static void rule_begin(rtrl_t *net, bool learn)
{
    net->column = learn ? 0 : N_COLUMNS;
    if (!learn) {
        return;
    }
    cell_linearise(net);
    readout_credit(net, net->c, &net->c_exp);
    cell_credit(net);
    uint64_t peak = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            int64_t sum = delta_sum(net, gate, i);
            uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
            peak = size > peak ? size : peak;
        }
    }
    int shift = fx_block_shift(peak, peak, 1, 32767, 32767, 0);
    int16_t *delta = net->delta;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            int64_t sum = fx_round_shift64(delta_sum(net, gate, i), shift);
            *delta++ = (int16_t)fx_narrow((int32_t)sum, 32767);
        }
    }
    net->delta_exp = (int8_t)(net->c_exp + COEF_FRAC - shift);
}

/* count weights at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    (void)learn;
    column_t here = column_at(net->column);
    while (count > 0 && here.p < N_COLUMNS) {
        int32_t g = fx_mul(net->delta[here.block * N_NEURONS + here.unit], net->z[here.input]);
        optimiser_cell(net, here.weight, g, net->delta_exp + 15);
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    return (uint16_t)(N_COLUMNS - here.p);
}
