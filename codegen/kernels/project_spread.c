/* As project.c, for cells with gates whose weights move every unit at once: sum over the units of spread[unit] * v.
 * Where there are more neurons than units every gate is one of these; then the other way is no code. */
RTRL_INLINE int32_t project(const rtrl_t *net, int gate, int unit, const int16_t *v, int first)
{
    int32_t sum = 0;
    if (N_NEURONS > N_UNITS || rtrl_blocks[gate].spread) {
        for (int k = 0; k < N_UNITS; k++) {
            sum = fx_mac(sum, net->spread[unit * N_UNITS + k], v[N_STATES - N_UNITS - first + k]);
        }
        return sum;
    }
    const int16_t *coef = &net->coef[gate * N_STATES + first + unit];
    for (int r = 0; r < N_STATES - first; r += N_UNITS) {
        sum = fx_mac(sum, coef[r], v[r + unit]);
    }
    return sum;
}
