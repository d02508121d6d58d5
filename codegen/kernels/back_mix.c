/* mix^T delta from the entries of the mix themselves: sum_r mix[r][l] delta[r], |mix| < 2^31, exact in 64 bits,
 * then |.| <= 2^29 */
RTRL_INLINE int32_t back_mixed(const rtrl_t *net, const int16_t err[N_BLOCKS * N_NEURONS], int l)
{
    (void)err;
    int64_t sum = 0;
    for (int r = 0; r < N_STATES; r++) {
        sum += (int64_t)cell_mix(net, r, l) * net->delta[r];
    }
    return (int32_t)fx_round_shift64(sum, MIX_DOWN);
}

RTRL_INLINE int back_mixed_frac(const rtrl_t *net, int err_exp)
{
    (void)err_exp;
    return net->delta_exp + MIX_FRAC - MIX_DOWN;
}
