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

/* the same for nearly all columns: no sum has a higher bit than the highest of a word, so rounding alone takes a word
 * beyond J_MAX, and none is below -J_MAX - 1; and no sum fills 31 bits, so what rounds it does not overflow */
RTRL_INLINE bool column_is_usual(int down)
{
    return (uint32_t)(down - 1) < 31 - J_BITS;
}

RTRL_INLINE int32_t column_word(j_word *to, int32_t sum, int down)
{
    int32_t word = fx_add(sum, 1 << (down - 1)) >> down;
#ifdef __ARM_FEATURE_SAT
    __asm__("ssat %0, %1, %0" : "+r"(word) : "i"(J_BITS));
#else
    word = RTRL_RARELY(word > J_MAX) ? J_MAX : word;
#endif
    *to = (j_word)word;
    return word;
}

RTRL_INLINE int32_t column_usual(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t credit = 0;
    int apart = count - seen, fours = seen / 4 * 4;
    for (int k = 0; k < apart; k++) {
        (void)column_word(&column[k], acc[k], down);
    }
    column += apart;
    acc += apart;
    for (int k = 0; k < fours; k += 4, acc += 4, column += 4, c += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            credit = fx_mac(credit, c[i], column_word(&column[i], acc[i], down));
        }
    }
    for (int k = 0; k < seen - fours; k++) {
        credit = fx_mac(credit, c[k], column_word(&column[k], acc[k], down));
    }
    return credit;
}

/* column p, of count words <- acc * 2^-frac, whose bits are `bits` (column_bits), with the exponent that uses J_BITS - 1
 * bits; larger than the cap: saturate, and say so. Returns c^T J of the last `seen` words: sum |c| |J| < 2^30 */
RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = E_MAX, down = frac - E_MAX;
    if (RTRL_RARELY(!column_is_usual(down) || bits >> (J_BITS - 1) >> down != 0)) { /* most columns stay at E_MAX */
        exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
        exponent = exponent > E_MAX ? E_MAX : exponent;
        down = frac - exponent;
    }
    if (RTRL_RARELY(exponent < E_MIN)) {
        net->capped++;
        net->E[p] = E_MIN;
        return column_any(column, acc, count, frac - E_MIN, c, seen);
    }
    net->E[p] = (int8_t)exponent;
    return column_is_usual(down) ? column_usual(column, acc, count, down, c, seen)
                                 : column_any(column, acc, count, down, c, seen);
}
