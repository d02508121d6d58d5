/* exact_store_c.c for the Arm M-profile vector extension: VRSHL shifts four sums and rounds, VQMOVNB saturates them. */
RTRL_INLINE int column_exponent(rtrl_t *net, int frac, uint32_t bits)
{
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        net->capped++;
    }
    return exponent;
}

RTRL_INLINE void store_four(j_word *words, int32x4_t sums, int left, int up)
{
    mve_store_words(words, sizeof(j_word), mve_saturate(vrshlq_n_s32(sums, up), sizeof(j_word)), left);
}

/* words <- sums 2^up, sixteen or the `left` of them */
RTRL_INLINE void store_sixteen(j_word *words, mve_sixteen sums, int left, int up)
{
    if (left >= 16) {
        sums.a = vrshlq_n_s32(sums.a, up);
        sums.b = vrshlq_n_s32(sums.b, up);
        sums.c = vrshlq_n_s32(sums.c, up);
        sums.d = vrshlq_n_s32(sums.d, up);
        mve_store_crossed(words, sizeof(j_word), sums);
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
    int exponent = column_exponent(net, frac, bits);
    net->E[p] = (int8_t)exponent;
    for (int k = 0; k < count; k += 16) {
        store_sixteen(&column[k], mve_load_sixteen(&acc[k], count - k), count - k, exponent - frac);
    }
    return mve_dot(c, sizeof(int16_t), &column[count - seen], sizeof(j_word), seen);
}
