/* Synthetic gradients: signal = credit + A seen, seen = [h; e; 1]; g = I^T signal; A learns from D^T signal, one row after
 * the other, then W one column after the other. A: (N_STATES, N_GUESS) Q3.28   signal: Q3.20, saturated at +-8 */
enum {
    SIGNAL_FRAC = 20,
    SIGNAL_TOP = 8388607, /* check: 8388607 == 2**23 - 1 */
    SIGNAL_ONE = 1048576, /* check: 1048576 == 2**20 */
    GUESS_DOWN = 23       /* check: 23 == 28 + 15 - 20 */
};

static void rule_reset(rtrl_t *net)
{
    memset(net->seen, 0, sizeof net->seen); /* with no past the synthesiser has nothing to learn from */
}

static void rule_init(rtrl_t *net)
{
    memset(net->A, 0, sizeof net->A);
    rule_reset(net);
}

/* v * 2^-frac, |v| <= 2^30, with SIGNAL_FRAC fraction bits */
RTRL_INLINE int32_t signal_fixed(int32_t v, int frac)
{
    int down = frac - SIGNAL_FRAC;
    if (down >= 0) {
        return fx_sat(fx_round_shift(v, down > 31 ? 31 : down), SIGNAL_TOP);
    }
    return fx_sat64(v * ((int64_t)1 << (down < -32 ? 32 : -down)), SIGNAL_TOP);
}

/* entry j of [h; e; 1], Q0.15, e clipped to +-1 */
RTRL_INLINE int16_t signal_sees(const rtrl_t *net, int j, bool learn)
{
    if (j < N_SHOWN) {
        return net->h[N_SEEN - N_SHOWN + j];
    }
    if (j == N_GUESS - 1) {
        return ONE_Q15;
    }
    return (int16_t)(learn ? fx_sat(net->e[j - N_SHOWN] * (1 << (15 - ERR_FRAC)), 32767) : 0);
}

static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
    }
    for (int r = 0; r < N_STATES; r++) {
        int k = r - (N_STATES - N_SEEN);
        int64_t sum = 0;
        for (int j = 0; j < N_GUESS; j++) {
            sum += (int64_t)net->A[r * N_GUESS + j] * signal_sees(net, j, learn);
        }
        int32_t credit = learn && k >= 0 ? signal_fixed(net->c[k], net->c_exp) : 0;
        net->acc[r] = fx_sat64(credit + fx_round_shift64(sum, GUESS_DOWN), SIGNAL_TOP);
    }
    back_delta(net, SIGNAL_FRAC);
    net->err_exp = back_errors(net, net->err);
    int frac = back_through(net, net->err, net->err_exp);
    for (int r = 0; r < N_STATES; r++) {
        net->acc[r] = signal_fixed(net->acc[r], frac);
    }
    net->part = 0;
}

/* A_r <- A_r - rate off seen, off = A_r seen - (D^T signal)_r clipped to +-1, Q0.15   acc: D^T signal */
static void rule_guess(rtrl_t *net, int r)
{
    int32_t *row = &net->A[r * N_GUESS];
    int64_t sum = 0;
    for (int j = 0; j < N_GUESS; j++) {
        sum += (int64_t)row[j] * net->seen[j];
    }
    int32_t off = fx_add(fx_sat64(fx_round_shift64(sum, GUESS_DOWN), SIGNAL_TOP), -net->acc[r]);
    off = off > SIGNAL_ONE ? SIGNAL_ONE : off < -SIGNAL_ONE ? -SIGNAL_ONE : off;
    off = fx_sat(fx_round_shift(off, SIGNAL_FRAC - 15), 32767);
    for (int j = 0; j < N_GUESS; j++) {
        int32_t step = fx_round_shift(fx_mul(off, net->seen[j]), 2 + GUESS_RATE); /* Q30 to Q28 */
        row[j] = fx_sat64((int64_t)row[j] - step, INT32_MAX);
    }
}

/* count rows and columns at most; returns how many are left
 * bound: |err z| <= 2^30, halved, so |g| < 2^30 */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    int part = net->part;
    while (count > 0 && part < N_STATES) {
        rule_guess(net, part);
        part++;
        count--;
        if (part == N_STATES) {
            for (int j = 0; j < N_GUESS; j++) {
                net->seen[j] = signal_sees(net, j, learn);
            }
        }
    }
    if (part >= N_STATES) {
        int frac = net->err_exp + 14 > 63 ? 63 : net->err_exp + 14; /* finer than 2^-63 nothing moves */
        column_t here = column_at(part - N_STATES);
        while (count > 0 && here.p < N_COLUMNS) {
            int32_t g = fx_mul(net->err[here.block * N_NEURONS + here.unit], net->z[here.input]);
            optimiser_cell(net, here.weight, fx_round_shift(g, 1), frac);
            column_next(&here);
            count--;
        }
        part = N_STATES + here.p;
    }
    net->part = (uint16_t)part;
    return (uint16_t)(N_STATES + N_COLUMNS - part);
}
