/* Error at a gate's pre-activation, before it is rounded: sum_k coef[gate][k][i] delta[k][i], exact in 64 bits, then
 * |.| <= 2^30 with delta_exp + COEF_FRAC - ERRORS_DOWN fraction bits */
RTRL_INLINE int32_t back_error(const rtrl_t *net, int gate, int i)
{
    int64_t sum = 0;
    for (int k = 0; k < N_COMPONENTS; k++) {
        sum = fx_mac64(sum, net->coef[(gate * N_COMPONENTS + k) * N_UNITS + i], net->delta[k * N_UNITS + i]);
    }
    return (int32_t)fx_round_shift64(sum, ERRORS_DOWN);
}
