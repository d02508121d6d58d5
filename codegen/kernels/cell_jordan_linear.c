/* Jordan network, its linear form. Neurons: the hidden ones, then the outputs'; states: s, then y. spread, Q3.12: a hidden
 * neuron i moves y_k by V[k][i] (1 - h_i^2), |.| <= 8, an output's neuron its own y by 1; nothing moves s at once */
static void cell_linearise(rtrl_t *net)
{
    const int16_t *V = &net->w_hi[N_HIDDEN * Z_HIDDEN], *hidden = &net->z[Z_HIDDEN];
    memset(net->spread, 0, sizeof net->spread);
    for (int k = 0; k < N_OUT; k++) {
        for (int i = 0; i < N_HIDDEN; i++) {
            int32_t moved = fx_mul(V[k * V_ROW + i], fx_tanh_slope(hidden[i]));
            net->spread[i * N_UNITS + N_OUT + k] = (int16_t)fx_round_shift(moved, 15);
        }
        net->spread[(N_HIDDEN + k) * N_UNITS + N_OUT + k] = JORDAN_ONE;
    }
}

/* how much of state l the context s takes, Q0.15: decay of itself, 1 - decay of its own y unless that was not fed back */
RTRL_INLINE int32_t jordan_share(const rtrl_t *net, int l)
{
    return l < N_OUT ? CONTEXT_DECAY : (32768 - CONTEXT_DECAY) * net->fed[l - N_OUT];
}

/* mix of s_k: its shares; of y_k: A times them, A[k][l] = sum_i spread[i][y_k] W[i][s_l]; Q24
 * bound: |A| < 2^8 2^30, times a share below 2^53; the result saturates at +-128 */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int k, int l)
{
    enum { TOP = 2147483646 }; /* check: 2147483646 == 2**31 - 2; so that the negation of a sum fits too */
    int from = l < N_OUT ? l : l - N_OUT;
    if (k < N_OUT) {
        return k == from ? jordan_share(net, l) * 512 : 0; /* check: 512 == 2**(24 - 15) */
    }
    const int16_t *w = &net->w_hi[N_IN + 1 + from];
    int64_t sum = 0;
    for (int i = 0; i < N_HIDDEN; i++) {
        sum = fx_mac64(sum, net->spread[i * N_UNITS + k], w[i * Z_HIDDEN]);
    }
    return fx_sat64(fx_round_shift64(sum * jordan_share(net, l), 15), TOP);
}
