/* column p, of count words <- acc * 2^-frac with the exponent that uses J_BITS - 1 bits; larger than the cap: saturate,
 * and say so */
RTRL_INLINE void column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac)
{
    uint32_t bits = 1; /* not 0: its highest bit is looked for */
    for (int k = 0; k < count; k++) {
        bits |= fx_magnitude(acc[k]);
    }
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        net->capped++;
    }
    for (int k = 0; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], frac - exponent), J_MAX);
    }
    net->E[p] = (int8_t)exponent;
}
