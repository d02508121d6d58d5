/* exact_store_c.c for the Arm M-profile vector extension: VRSHL shifts four sums and rounds, VQMOVNB saturates them. */

/* the exponent that uses J_BITS - 1 bits, if a column has no more than these */
RTRL_INLINE int column_exponent(int frac, uint32_t bits)
{
    return frac - (fx_floor_log2(bits) - (J_BITS - 2));
}

/* the same, held to its limits; below the smallest the column saturates, and that is counted */
RTRL_INLINE int column_limit(rtrl_t *net, int exponent)
{
    if (exponent >= E_MAX) {
        return E_MAX;
    }
    if (RTRL_RARELY(exponent < E_MIN)) {
        net->capped++;
        return E_MIN;
    }
    return exponent;
}

RTRL_INLINE void store_four(j_word *words, int32x4_t sums, int left, int up)
{
    mve_store_words(words, sizeof(j_word), mve_saturate(vrshlq_n_s32(sums, up), sizeof(j_word)), left);
}

/* words <- sums 2^up, saturated; sixteen of them */
RTRL_INLINE mve_crossed store_sixteen(j_word *words, mve_sixteen sums, int up)
{
    sums.a = vrshlq_n_s32(sums.a, up);
    sums.b = vrshlq_n_s32(sums.b, up);
    sums.c = vrshlq_n_s32(sums.c, up);
    sums.d = vrshlq_n_s32(sums.d, up);
    return mve_store_crossed(words, sizeof(j_word), sums);
}

/* the same, `left` of them */
RTRL_INLINE void store_some(j_word *words, mve_sixteen sums, int left, int up)
{
    if (left >= 16) {
        (void)store_sixteen(words, sums, up);
        return;
    }
    store_four(words, sums.a, left, up);
    if (left > 4) {
        store_four(&words[4], sums.b, left - 4, up);
    }
    if (left > 8) {
        store_four(&words[8], sums.c, left - 8, up);
    }
    if (left > 12) {
        store_four(&words[12], sums.d, left - 12, up);
    }
}

RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = column_limit(net, column_exponent(frac, bits));
    net->E[p] = (int8_t)exponent;
    for (int k = 0; k < count; k += 16) {
        store_some(&column[k], mve_load_sixteen(&acc[k], count - k), count - k, exponent - frac);
    }
    return mve_dot(c, sizeof(int16_t), &column[count - seen], sizeof(j_word), seen);
}
