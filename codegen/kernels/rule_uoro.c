/* UORO: J = s theta^T 2^-E on average, s <- rho D s + nu, theta <- theta / rho + I^T nu, nu of random signs;
 * g = (c^T D s) theta + c^T I with the theta from before the merge.
 * s: (N_STATES)   theta: (N_COLUMNS)   int16, one exponent E for the product
 * All but the columns of theta happens at the beginning of a step; entry p of theta needs only entry p. */
static void rule_reset(rtrl_t *net)
{
    memset(net->s, 0, sizeof net->s);
    memset(net->theta, 0, sizeof net->theta);
    net->E = PAIR_E_EMPTY;
    net->theta_square = 0;
    net->theta_top = 0;
}

static void rule_init(rtrl_t *net)
{
    net->random = fx_random_seed(SEED);
    rule_reset(net);
}

/* s <- D s with all its bits */
static void uoro_advance(rtrl_t *net)
{
    advance(net, net->s);
    uint32_t bits = 0;
    for (int k = 0; k < N_STATES; k++) {
        bits |= (uint32_t)fx_abs(net->acc[k]);
    }
    int down = pair_down(bits);
    for (int k = 0; k < N_STATES; k++) {
        net->s[k] = pair_word(net->acc[k], down);
    }
    net->E = pair_exponent(net, net->s, N_STATES, net->E + advance_exp(net) - down);
}

/* c^T D s and c^T I, and the one exponent of their products; bound: sum |c| < 2^15, so |c^T D s| < 2^30 */
static void uoro_credit(rtrl_t *net)
{
    int32_t along = dot_credit(net->c, &net->s[N_STATES - N_SEEN]);
    int down = pair_down((uint32_t)fx_abs(along));
    net->along = pair_word(along, down);
    net->term_down[0] = (int8_t)(along ? net->c_exp + net->E - down : NO_TERM);
    immediate_credit(net);
    gradient_align(net);
}

/* nu, a bit of the generator each, 1 for +1; and nu^T I without z. Returns the right shift that nu_row was given
 * bound: |nu^T I| <= N_UNITS * 2^15 */
static int uoro_signs(rtrl_t *net)
{
    for (int k = 0; k < N_STATES; k++) {
        if (k % 32 == 0) {
            net->random = fx_random_next(net->random);
        }
        net->nu[k] = net->random >> (k % 32) & 1 ? 1 : -1;
    }
    uint32_t bits = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            bits |= (uint32_t)fx_abs(project(net, gate, i, net->nu, 0));
        }
    }
    int down = pair_down(bits);
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            net->nu_row[gate * N_NEURONS + i] = pair_word(project(net, gate, i, net->nu, 0), down);
        }
    }
    return down;
}

/* sum over the columns of (nu^T I)^2: of each gate's rows times of the z it sees
 * bound: (2^38 / 2^15) * (2^39 / 2^15), six gates: < 2^50 */
static int64_t uoro_square(const rtrl_t *net)
{
    int64_t sum = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        const int16_t *row = &net->nu_row[gate * N_NEURONS], *z = &net->z[rtrl_blocks[gate].at];
        sum += (fx_dot64(row, row, N_NEURONS) >> 15) * (fx_dot64(z, z, rtrl_blocks[gate].width) >> 15);
    }
    return sum;
}

/* largest |nu^T I|, as a word of theta */
static int32_t uoro_top(const rtrl_t *net)
{
    int32_t row_top = 0, z_top = 0;
    for (int r = 0; r < N_BLOCKS * N_NEURONS; r++) {
        row_top = fx_abs(net->nu_row[r]) > row_top ? fx_abs(net->nu_row[r]) : row_top;
    }
    for (int j = 0; j < N_PRE; j++) {
        z_top = fx_abs(net->z[j]) > z_top ? fx_abs(net->z[j]) : z_top;
    }
    return fx_round_shift(fx_mul(row_top, z_top), 15);
}

/* s merged with nu, and how theta will be with I^T nu: its right shift comes from a bound on the largest entry, made of
 * the largest that theta really had, so that no bit is lost from step to step */
static void uoro_merge(rtrl_t *net)
{
    enum { ONE = 16384 }; /* a sign in s. check: 16384 == 2**14 */
    int fresh_exp = 14 + COEF_FRAC - uoro_signs(net);
    merge_t m = pair_merge(fx_dot64(net->s, net->s, N_STATES), (int64_t)net->theta_square << 15, net->E,
                           (int64_t)N_STATES * ONE * ONE, uoro_square(net), fresh_exp, 1);
    uint32_t bits = 0;
    for (int k = 0; k < N_STATES; k++) {
        bits |= (uint32_t)fx_abs(pair_sum(&m, m.u_shift, net->s[k], net->nu[k] * ONE));
    }
    int down = pair_down(bits);
    for (int k = 0; k < N_STATES; k++) {
        net->s[k] = pair_word(pair_sum(&m, m.u_shift, net->s[k], net->nu[k] * ONE), down);
    }
    net->theta_shift = (int8_t)m.a_shift;
    net->theta_odd = (int8_t)m.odd;
    net->theta_sign = (int8_t)m.sign;
    net->theta_down = (int8_t)pair_down((uint32_t)pair_sum(&m, m.a_shift, net->theta_top, uoro_top(net)));
    int exponent = m.exponent + pair_gain(m.u_shift, down) + pair_gain(m.a_shift, net->theta_down);
    net->E = pair_exponent(net, net->s, N_STATES, exponent);
    net->theta_square = 0;
    net->theta_top = 0;
}

static void rule_begin(rtrl_t *net, bool learn)
{
    cell_linearise(net);
    advance_begin(net);
    uoro_advance(net);
    if (learn) {
        readout_credit(net, net->c, &net->c_exp);
        cell_credit(net);
        uoro_credit(net);
    }
    uoro_merge(net);
    net->column = 0;
}

/* bound: both terms are below 2^30 / 2^HEADROOM after their shifts */
RTRL_INLINE int32_t uoro_gradient(const rtrl_t *net, int p, int row, int16_t z)
{
    int32_t carried = fx_round_shift(fx_mul(net->along, net->theta[p]), net->term_down[0]);
    return fx_add(carried, fx_round_shift(fx_mul(net->credit_row[row], z), net->term_down[1]));
}

/* count columns at most; returns how many are left */
static uint16_t rule_slice(rtrl_t *net, uint16_t count, bool learn)
{
    merge_t m = { 0, net->theta_shift, net->theta_odd, net->theta_sign, 0 };
    column_t here = column_at(net->column);
    while (count > 0 && here.p < N_COLUMNS) {
        int row = here.block * N_NEURONS + here.unit;
        int16_t z = net->z[here.input];
        if (learn) {
            optimiser_cell(net, here.weight, uoro_gradient(net, here.p, row, z), net->g_exp);
        }
        int32_t fresh = fx_round_shift(fx_mul(net->nu_row[row], z), 15);
        int16_t word = pair_word(pair_sum(&m, m.a_shift, net->theta[here.p], fresh), net->theta_down);
        int16_t size = (int16_t)fx_abs(word);
        net->theta[here.p] = word;
        net->theta_top = size > net->theta_top ? size : net->theta_top;
        net->theta_square += (uint32_t)fx_round_shift(fx_mul(word, word), 15); /* < 2^31: 2^15 for each of 2^16 */
        column_next(&here);
        count--;
    }
    net->column = (uint16_t)here.p;
    return (uint16_t)(N_COLUMNS - here.p);
}
