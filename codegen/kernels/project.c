/* v^T I for one row of weights (gate, unit), without z: sum over the components of coef[gate][k][unit] * v
 * v: entries of the states from `first` on, a multiple of N_UNITS
 * bound: sum |v| < 2^15 for a credit, and at most N_UNITS for signs; |coef| <= 2^15 */
RTRL_INLINE int32_t project(const rtrl_t *net, int gate, int unit, const int16_t *v, int first)
{
    const int16_t *coef = &net->coef[gate * N_STATES + first + unit];
    int32_t sum = 0;
    for (int r = 0; r < N_STATES - first; r += N_UNITS) {
        sum = fx_mac(sum, coef[r], v[r + unit]);
    }
    return sum;
}
