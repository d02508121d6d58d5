/* dL/d(pre-activation) of a gate's unit: sum over the credited components of coef * credit, exact,
 * c_exp + COEF_FRAC fraction bits. c: the last N_SEEN of the states */
RTRL_INLINE int64_t delta_sum(const rtrl_t *net, int gate, int i)
{
    enum { FIRST = (N_STATES - N_SEEN) / N_UNITS };
    int64_t sum = 0;
    for (int k = FIRST; k < N_COMPONENTS; k++) {
        sum = fx_mac64(sum, net->coef[(gate * N_COMPONENTS + k) * N_UNITS + i], net->c[(k - FIRST) * N_UNITS + i]);
    }
    return sum;
}
