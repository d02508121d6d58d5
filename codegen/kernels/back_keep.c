/* keep^T delta, component `of` of unit i: sum_k keep[k][of][i] delta[k][i], exact in 64 bits, then |.| <= 2^29 */
RTRL_INLINE int32_t back_kept(const rtrl_t *net, int of, int i)
{
    int64_t sum = 0;
    if (of >= N_PRIVATE) {
        return 0;
    }
    for (int k = 0; k < N_COMPONENTS; k++) {
        sum = fx_mac64(sum, net->keep[(k * N_PRIVATE + of) * N_UNITS + i], net->delta[k * N_UNITS + i]);
    }
    return (int32_t)fx_round_shift64(sum, KEEP_DOWN);
}

RTRL_INLINE int back_kept_frac(const rtrl_t *net)
{
    return net->delta_exp + net->k_exp - KEEP_DOWN;
}
