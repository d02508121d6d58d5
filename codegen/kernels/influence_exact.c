/* J between steps, an exponent for each column: ds/dw_p = J[p] * 2^-E[p]. influence_fixed.c has one for all. */
static void column_clear(rtrl_t *net)
{
    memset(net->J, 0, sizeof net->J);
    memset(net->E, E_MAX, sizeof net->E);
}

RTRL_INLINE int column_exp(const rtrl_t *net, int p)
{
    return net->E[p];
}

RTRL_INLINE RTRL_UNUSED void column_exp_put(rtrl_t *net, int p, int exponent)
{
    net->E[p] = (int8_t)exponent;
}

/* the bits that the magnitudes of acc have, ORed: what column_store takes an exponent from. Not 0: the highest is
 * looked for */
RTRL_INLINE uint32_t column_bits(const int32_t *acc, int count)
{
    uint32_t bits = 1;
    int fours = count / 4 * 4;
    for (int k = 0; k < fours; k += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            bits |= fx_magnitude(acc[k + i]);
        }
    }
    for (int k = fours; k < count; k++) {
        bits |= fx_magnitude(acc[k]);
    }
    return bits;
}
