/* GRU, reset before, its linear form: coefficients Q1.14 0, (h - n) z', cn, cn, with cn = (1 - z) (1 - n^2) <= 1.
 * A unit keeps z of its h. A weight of reset gate j moves every unit k: spread[j][k] = cn_k U[k][j] h_j r'_j, Q1.14
 * bound: |h r'| <= 1/4, |U| < 8, so |U h r'| < 2 and |spread| < 2; |w_hi| <= 32767 always */
RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    const int16_t *r = net->gates, *z = r + N_UNITS, *n = z + N_UNITS, *old = &net->z[N_IN + 1];
    for (int k = 0; k < N_UNITS; k++) {
        int32_t cn = fx_round_shift(fx_mul(32768 - z[k], fx_tanh_slope(n[k])), 16);
        int32_t slope = fx_sigmoid_slope(z[k]);
        net->coef[k] = 0;
        net->coef[N_UNITS + k] = (int16_t)fx_round_shift(fx_mac(fx_mul(old[k], slope), -n[k], slope), 16);
        net->coef[2 * N_UNITS + k] = (int16_t)cn;
        net->coef[3 * N_UNITS + k] = (int16_t)cn;
        net->keep[k] = z[k];
        for (int j = 0; j < N_UNITS; j++) {
            int32_t by_r = fx_round_shift(fx_mul(old[j], fx_sigmoid_slope(r[j])), 14);
            int32_t through = fx_round_shift(fx_mul(net->w_hi[GRU_REC + k * N_UNITS + j], by_r), 14);
            net->spread[j * N_UNITS + k] = (int16_t)fx_round_shift(fx_mul(fx_narrow(through, 32767), cn), 14);
        }
    }
    net->k_exp = 15;
}

/* mix[k][l] = cz_k W_z[k][l] + cn_k r_l U[k][l] + sum_j spread[j][k] W_r[j][l], Q26: summed in 64 bits, saturated
 * at +-32, which only many weights near +-8 reach */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int k, int l)
{
    enum { TOP = 2147483646 }; /* check: 2147483646 == 2**31 - 2; so that the negation of a sum fits too */
    const int16_t *h = &net->w_hi[N_IN + 1 + l];
    int64_t sum = fx_mul(net->coef[N_UNITS + k], h[(N_UNITS + k) * GRU_ROW]);
    int32_t through = fx_round_product(fx_mul(net->coef[3 * N_UNITS + k], net->gates[l]));
    sum = fx_mac64(sum, through, net->w_hi[GRU_REC + k * N_UNITS + l]);
    for (int j = 0; j < N_UNITS; j++) {
        sum = fx_mac64(sum, net->spread[j * N_UNITS + k], h[j * GRU_ROW]);
    }
    return fx_sat64(sum, TOP);
}
