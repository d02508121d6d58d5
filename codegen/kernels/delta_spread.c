/* As delta.c, for cells with gates whose weights move every unit at once: of those the credit of every unit's h. */
RTRL_INLINE int64_t delta_sum(const rtrl_t *net, int gate, int i)
{
    enum { FIRST = (N_STATES - N_SEEN) / N_UNITS };
    if (rtrl_blocks[gate].spread) {
        return fx_dot64(&net->spread[i * N_UNITS], &net->c[N_SEEN - N_UNITS], N_UNITS);
    }
    int64_t sum = 0;
    for (int k = FIRST; k < N_COMPONENTS; k++) {
        sum = fx_mac64(sum, net->coef[(gate * N_COMPONENTS + k) * N_UNITS + i], net->c[(k - FIRST) * N_UNITS + i]);
    }
    return sum;
}
