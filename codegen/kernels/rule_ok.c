/* Kronecker sums, merged pair by pair: of N_PAIRS + 1 products the two whose sum has the least product of singular
 * values become one. The last pair in memory is where the new one, z x coef, waits. */
enum { CELLS = N_ROWS * N_STATES, NEW = N_PAIRS };

static void ok_fresh(rtrl_t *net)
{
    memcpy(&net->u[NEW * N_WIDTH], &net->z[Z_AT], sizeof(int16_t) * N_WIDTH);
    for (int r = 0; r < N_ROWS; r++) {
        kronecker_fresh(net, &net->A[NEW * CELLS + r * N_STATES], r);
    }
    net->E[NEW] = FRESH_EXP;
}

/* pair `to` becomes the last one */
static void ok_take(rtrl_t *net, int to)
{
    memcpy(&net->u[to * N_WIDTH], &net->u[NEW * N_WIDTH], sizeof(int16_t) * N_WIDTH);
    memcpy(&net->A[to * CELLS], &net->A[NEW * CELLS], sizeof(int16_t) * CELLS);
    net->E[to] = net->E[NEW];
}

/* gram[s][t] = v_s . v_t, all shifted alike so that they are below 2^28; returns the first v that is zero, or NEW */
static int ok_gram(int32_t gram[N_STORED * N_STORED], const int16_t *v, int size)
{
    int64_t most = 0;
    int empty = NEW;
    for (int s = NEW; s >= 0; s--) {
        int64_t square = fx_dot64(&v[s * size], &v[s * size], size);
        most = square > most ? square : most;
        empty = square == 0 ? s : empty;
    }
    int down = 0;
    while (most >> down >= 268435455) { /* check: 268435455 == 2**28 - 1, and one more by rounding */
        down++;
    }
    for (int s = 0; s <= NEW; s++) {
        for (int t = s; t <= NEW; t++) {
            int64_t dot = fx_dot64(&v[s * size], &v[t * size], size);
            gram[s * N_STORED + t] = (int32_t)fx_round_shift64(dot, down);
            gram[t * N_STORED + s] = gram[s * N_STORED + t];
        }
    }
    return empty;
}

/* squared product of two vectors' singular values, < 2^56: their Gram determinant; by rounding it can be negative */
RTRL_INLINE int64_t ok_area(const int32_t gram[N_STORED * N_STORED], int s, int t)
{
    int64_t straight = (int64_t)gram[s * N_STORED + s] * gram[t * N_STORED + t];
    int64_t det = straight - (int64_t)gram[s * N_STORED + t] * gram[s * N_STORED + t];
    return det > 0 ? det : 0;
}

/* the two pairs to merge: *first is the one with the larger norm */
static void ok_choose(const rtrl_t *net, int *first, int *second)
{
    int least = INT32_MAX;
    for (int s = 0; s < NEW; s++) {
        for (int t = s + 1; t <= NEW; t++) {
            int areas = fx_log2_q3(ok_area(net->gram_u, s, t)) + fx_log2_q3(ok_area(net->gram_A, s, t));
            int score = areas - 16 * (net->E[s] + net->E[t]);
            if (score < least) {
                least = score;
                *first = s;
                *second = t;
            }
        }
    }
    int size[2];
    for (int side = 0; side < 2; side++) {
        int at = side ? *second : *first;
        size[side] = fx_log2_q3(net->gram_u[at * N_STORED + at]) + fx_log2_q3(net->gram_A[at * N_STORED + at])
                     - 16 * net->E[at];
    }
    if (size[1] > size[0]) {
        int larger = *second;
        *second = *first;
        *first = larger;
    }
}

/* alpha of least variance, 8 fraction bits, |alpha| < 4; down: A_b is A_a's unit 2^-down
 * bound: Gram entries, and square roots of areas, below 2^28, so products below 2^56 and den below 2^61 */
static int32_t ok_alpha(const rtrl_t *net, int a, int b, int down)
{
    enum { TOP = 1023 };
    if (down < -4) {
        return 0;
    }
    int64_t area_u = fx_sqrt64(ok_area(net->gram_u, a, b)), area_a = fx_sqrt64(ok_area(net->gram_A, a, b));
    int64_t num = net->gram_u[a * N_STORED + b] * area_a + net->gram_A[a * N_STORED + b] * area_u;
    int64_t away = net->gram_A[b * N_STORED + b] * area_u;
    away = down >= 0 ? fx_round_shift64(away, down) : away * (1 << -down);
    int64_t den = net->gram_u[a * N_STORED + a] * area_a - away;
    int cut = 0;
    while ((num < 0 ? -num : num) >> cut >= 2097152 || (den < 0 ? -den : den) >> cut >= 2097152) {
        cut++; /* check: 2097152 == 2**21, and 256 * 2**21 < 2**31 */
    }
    int32_t top = (int32_t)(num >> cut) * 256, bottom = (int32_t)(den >> cut);
    int32_t alpha = bottom ? top / bottom : top ? TOP : 0;
    return alpha > TOP ? TOP : alpha < -TOP ? -TOP : alpha;
}

/* v <- v + factor 2^-8 w 2^-down with all the bits it can have; what its exponent gains
 * bound: |v| 2^8 < 2^23; |factor w| < 2^25, down >= -4, so 2^29 */
static int ok_add(int16_t *v, const int16_t *w, int32_t factor, int down, int count)
{
    int right = down > 31 ? 31 : down;
    uint32_t bits = 0;
    for (int k = 0; k < count; k++) {
        bits |= (uint32_t)fx_abs(fx_add(v[k] * 256, fx_scale(fx_mul(factor, w[k]), right)));
    }
    int cut = pair_down(bits);
    for (int k = 0; k < count; k++) {
        v[k] = pair_word(fx_add(v[k] * 256, fx_scale(fx_mul(factor, w[k]), right)), cut);
    }
    return 8 - cut;
}

/* pairs a and b into a: u_b <- u_b - alpha u_a, A_a <- A_a + alpha A_b leave their sum as it is; then a random merge */
static void ok_merge(rtrl_t *net, int a, int b, int sign)
{
    int16_t *u_a = &net->u[a * N_WIDTH], *u_b = &net->u[b * N_WIDTH];
    int16_t *a_a = &net->A[a * CELLS], *a_b = &net->A[b * CELLS];
    int down = net->E[b] - net->E[a];
    int32_t alpha = ok_alpha(net, a, b, down);
    int e_b = net->E[b] + ok_add(u_b, u_a, -alpha, 0, N_WIDTH);
    int e_a = net->E[a] + ok_add(a_a, a_b, alpha, down < -4 ? -4 : down, CELLS);
    merge_t m = pair_merge(fx_dot64(u_a, u_a, N_WIDTH), fx_dot64(a_a, a_a, CELLS), e_a,
                           fx_dot64(u_b, u_b, N_WIDTH), fx_dot64(a_b, a_b, CELLS), e_b, sign);
    int gain = pair_join(&m, m.u_shift, u_a, u_b, N_WIDTH);
    gain += pair_join(&m, m.a_shift, a_a, a_b, CELLS);
    net->E[a] = pair_exponent(net, u_a, N_WIDTH, m.exponent + gain);
}

static void kronecker_merge(rtrl_t *net)
{
    int sign = pair_sign(net);
    ok_fresh(net);
    int empty_u = ok_gram(net->gram_u, net->u, N_WIDTH), empty_a = ok_gram(net->gram_A, net->A, CELLS);
    int a = empty_u < empty_a ? empty_u : empty_a, b = a;
    if (a == NEW) {
        ok_choose(net, &a, &b);
        ok_merge(net, a, b, sign);
    }
    if (b != NEW) { /* an old place is free */
        ok_take(net, b);
    }
}
