/* J between steps, one exponent for all columns: ds/dw_p = J[p] * 2^-E_MAX, and E_MIN == E_MAX. */
static void column_clear(rtrl_t *net)
{
    memset(net->J, 0, sizeof net->J);
}

RTRL_INLINE int column_exp(const rtrl_t *net, int p)
{
    (void)net;
    (void)p;
    return E_MAX;
}

RTRL_INLINE RTRL_UNUSED void column_exp_put(rtrl_t *net, int p, int exponent)
{
    (void)net;
    (void)p;
    (void)exponent;
}

/* there is no exponent to be found */
RTRL_INLINE uint32_t column_bits(const int32_t *acc, int count)
{
    (void)acc;
    (void)count;
    return 1;
}

/* column p, of count words <- acc * 2^-frac, saturated; a column of which any word is counts as capped. Returns c^T J of
 * the last `seen` words: sum |c| |J| < 2^30
 * bound: frac - E_MAX in 0..31. It is D's exponent: an entry of the mix is an int32, so a row is below
 * 2^(31 - MIX_FRAC) N_UNITS, and that fits 15 bits; or that of local dynamics, which are less; or block_frac's */
RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    (void)p;
    (void)bits;
    uint32_t capped = 0;
    int32_t sum = 0;
    for (int k = 0; k < count; k++) {
        int32_t word = fx_round_shift(acc[k], frac - E_MAX);
        column[k] = (j_word)word;
        if (column[k] != word) { /* rare: most words do without the two comparisons of a saturation */
            column[k] = (j_word)fx_sat(word, J_MAX);
            capped = 1;
        }
        if (k >= count - seen) {
            sum = fx_mac(sum, c[k - (count - seen)], column[k]);
        }
    }
    net->capped += capped;
    return sum;
}

/* its bits do not matter */
RTRL_INLINE int32_t column_put(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac,
                               const int16_t *c, int seen)
{
    return column_store(net, p, column, acc, count, frac, 1, c, seen);
}
