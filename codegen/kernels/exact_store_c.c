/* column <- acc * 2^-down, saturated. Returns c^T J of the last `seen` words */
RTRL_INLINE int32_t column_any(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t credit = 0;
    for (int k = 0; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], down), J_MAX);
        credit = k < count - seen ? credit : fx_mac(credit, c[k - (count - seen)], column[k]);
    }
    return credit;
}

/* the same where the highest bit of all is the highest of a word, and down > 0: then rounding alone takes a word beyond
 * J_MAX, and none is below -J_MAX - 1 */
RTRL_INLINE int32_t column_word(int32_t sum, int down)
{
    int32_t word = ((sum >> (down - 1)) + 1) >> 1;
    return word > J_MAX ? J_MAX : word;
}

RTRL_INLINE int32_t column_usual(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t credit = 0;
    int apart = count - seen;
    for (int k = 0; k < apart; k++) {
        column[k] = (j_word)column_word(acc[k], down);
    }
#pragma GCC unroll 4
    for (int k = 0; k < seen; k++) {
        int32_t word = column_word(acc[apart + k], down);
        column[apart + k] = (j_word)word;
        credit = fx_mac(credit, c[k], word);
    }
    return credit;
}

/* column p, of count words <- acc * 2^-frac, whose bits are `bits` (column_bits), with the exponent that uses J_BITS - 1
 * bits; larger than the cap: saturate, and say so. Returns c^T J of the last `seen` words: sum |c| |J| < 2^30 */
RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        net->capped++;
        net->E[p] = E_MIN;
        return column_any(column, acc, count, frac - E_MIN, c, seen);
    }
    net->E[p] = (int8_t)exponent;
    return frac > exponent ? column_usual(column, acc, count, frac - exponent, c, seen)
                           : column_any(column, acc, count, frac - exponent, c, seen);
}
