/* column p, of count words <- acc * 2^-frac, whose bits are `bits` (column_bits), with the exponent that uses J_BITS - 1
 * bits; larger than the cap: saturate, and say so. Returns c^T J of the last `seen` words: sum |c| |J| < 2^30 */
RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        net->capped++;
    }
    net->E[p] = (int8_t)exponent;
    int32_t sum = 0;
    for (int k = 0; k < count; k++) {
        int32_t word = fx_sat(fx_scale(acc[k], frac - exponent), J_MAX);
        column[k] = (j_word)word;
        if (k >= count - seen) {
            sum = fx_mac(sum, c[k - (count - seen)], word);
        }
    }
    return sum;
}
