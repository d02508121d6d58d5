/* As local_coef.c, for cells with gates whose weights move every unit: of those the own unit's entry alone. */
RTRL_INLINE int16_t local_coef(const rtrl_t *net, const column_t *here, int k)
{
    if (rtrl_blocks[here->block].spread) {
        return (int16_t)(k == N_COMPONENTS - 1 ? net->spread[here->unit * N_UNITS + here->unit] : 0);
    }
    return net->coef[(here->block * N_COMPONENTS + k) * N_UNITS + here->unit];
}
