/* Immediate coefficient of a column in component k of its own unit. */
RTRL_INLINE int16_t local_coef(const rtrl_t *net, const column_t *here, int k)
{
    return net->coef[(here->block * N_COMPONENTS + k) * N_UNITS + here->unit];
}
