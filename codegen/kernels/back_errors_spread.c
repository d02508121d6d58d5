/* As back_errors.c, for cells with gates whose weights move every unit at once: of those spread[i] . delta. */
RTRL_INLINE int32_t back_error(const rtrl_t *net, int gate, int i)
{
    int64_t sum = 0;
    if (rtrl_blocks[gate].spread) {
        sum = fx_dot64(&net->spread[i * N_UNITS], &net->delta[N_STATES - N_UNITS], N_UNITS);
    } else {
        for (int k = 0; k < N_COMPONENTS; k++) {
            sum = fx_mac64(sum, net->coef[(gate * N_COMPONENTS + k) * N_UNITS + i], net->delta[k * N_UNITS + i]);
        }
    }
    return (int32_t)fx_round_shift64(sum, ERRORS_DOWN);
}
