/* Recurrent trace units: c <- lambda c + gamma (W1 + i W2) x, lambda = r e^(i theta), gamma = sqrt(1 - r^2), h <- tanh(c)
 * w_hi: nu, theta (N_UNITS), W1, W2 (N_UNITS, N_IN), Q3.12; r = sigmoid(nu), 2^16 words of theta are one turn
 * re, im, old, drive: Q3.12   decay, gamma, lambda, h: Q0.15 */
static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->old, 0, sizeof net->old);
    memset(net->drive, 0, sizeof net->drive);
    memset(net->decay, 0, sizeof net->decay);
    memset(net->gamma, 0, sizeof net->gamma);
    memset(net->lambda, 0, sizeof net->lambda);
    memset(net->re, 0, sizeof net->re);
    memset(net->im, 0, sizeof net->im);
    memset(net->h, 0, sizeof net->h);
}

/* linear interpolation, 2^bits words of `at` between two entries */
RTRL_INLINE int32_t cell_between(const int16_t *table, int32_t at, int bits)
{
    const int16_t *low = &table[at >> bits];
    return low[0] + fx_round_shift(fx_mul(low[1] - low[0], at & ((1 << bits) - 1)), bits);
}

/* lambda, Q0.15, of a unit: the sine and cosine of the nearest of 128 nodes, turned by the rest to second order
 * bound: |d| <= pi / 128 in Q20, so |c d| + |s half| < 2^30; |cos|, |sin| <= 2^15, r < 2^15 */
RTRL_INLINE void cell_lambda(rtrl_t *net, int u, int32_t r)
{
    enum { PI_Q13 = 25736 }; /* check: 25736 == round(pi * 2**13) */
    int32_t angle = CELL_WEIGHTS[N_UNITS + u] + 256;
    int32_t node = angle >> 9;
    int32_t s = rtrl_sine_table[node & 31], c = rtrl_sine_table[32 - (node & 31)];
    int32_t d = fx_round_shift(((angle & 511) - 256) * PI_Q13, 8);
    int32_t half = fx_mul(d, d) >> 21;
    int32_t sine = s + fx_round_shift(fx_mul(c, d) - fx_mul(s, half), 20);
    int32_t cosine = c - fx_round_shift(fx_mac(fx_mul(s, d), c, half), 20);
    if (node & 32) { /* a quarter turn further */
        int32_t t = cosine;
        cosine = -sine;
        sine = t;
    }
    if (node & 64) {
        cosine = -cosine;
        sine = -sine;
    }
    net->lambda[u] = (int16_t)fx_narrow(fx_round_product(fx_mul(r, cosine)), 32767);
    net->lambda[N_UNITS + u] = (int16_t)fx_narrow(fx_round_product(fx_mul(r, sine)), 32767);
}

/* W x of one row, Q3.27, |.| <= 8 */
RTRL_INLINE int32_t cell_drive(rtrl_t *net, int row)
{
    enum { TOP = 1073741823 }; /* check: 1073741823 == 8 * 2**27 - 1 */
    const int16_t *W = &CELL_WEIGHTS[2 * N_UNITS + row * N_IN];
    int32_t u = N_IN == 1 ? fx_sat(fx_mul(W[0], net->z[0]), TOP) : fx_sat64(fx_dot64(W, net->z, N_IN), TOP);
    net->drive[row] = fx_sat16(fx_round_product(u));
    return u;
}

/* one part of c: v lambda c, Q3.27, and gamma u
 * bound: |lambda c| <= r sqrt(2) 2^30, gamma |u| <= sqrt(1 - r^2) 2^30: their sum is at most sqrt(3) 2^30 < 2^31 */
RTRL_INLINE int16_t cell_part(int32_t v, int16_t gamma, int32_t u)
{
    int32_t in = fx_scaled(u, gamma);
    return fx_sat16(fx_round_product(fx_add(v, in)));
}

RTRL_INLINE int16_t cell_seen(int16_t c)
{
    enum { ONE_Q27 = 32768, ONE_Q15_OF_Q12 = 8 }; /* check: 32768 == 2**(27 - 12) and 8 == 2**(15 - 12) */
    return SQUASHED ? fx_tanh_q27(c * ONE_Q27) : (int16_t)fx_sat(c * ONE_Q15_OF_Q12, 32767);
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(net->old, net->re, sizeof net->re);
    memcpy(&net->old[N_UNITS], net->im, sizeof net->im);
    for (int i = 0; i < N_UNITS; i++) {
        net->decay[i] = fx_sigmoid_q27(CELL_WEIGHTS[i] * 32768); /* check: 32768 == 2**(27 - 12) */
        net->gamma[i] = (int16_t)cell_between(rtrl_gamma_table, CELL_WEIGHTS[i] + 32768, 9);
        cell_lambda(net, i, net->decay[i]);
        int32_t a = net->lambda[i], b = net->lambda[N_UNITS + i], re = net->re[i], im = net->im[i];
        net->re[i] = cell_part(fx_mac(fx_mul(a, re), -b, im), net->gamma[i], cell_drive(net, i));
        net->im[i] = cell_part(fx_mac(fx_mul(b, re), a, im), net->gamma[i], cell_drive(net, N_UNITS + i));
        net->h[i] = cell_seen(net->re[i]);
        net->h[N_UNITS + i] = cell_seen(net->im[i]);
    }
}
