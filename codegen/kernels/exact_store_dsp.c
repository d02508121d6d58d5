/* exact_store_c.c for the Arm DSP extension: SMMULR rounds and shifts in one instruction, SSAT saturates; then four words
 * are stored together, and multiplied with the credit while they are in registers. */
RTRL_INLINE int32_t column_word(int32_t sum, int32_t factor)
{
    return dsp_sat(dsp_mul_high(sum, factor));
}

/* c: of these words, or NULL   column, where it has int16: at a multiple of 4, for STRD */
RTRL_INLINE int32_t column_four(j_word *column, const int32_t *acc, int32_t factor, int32_t credit, const int16_t *c)
{
    dsp_pairs low = dsp_load_two(acc), high = dsp_load_two(acc + 2);
    int32_t first = column_word((int32_t)low.first, factor), second = column_word((int32_t)low.second, factor);
    int32_t third = column_word((int32_t)high.first, factor), fourth = column_word((int32_t)high.second, factor);
    dsp_pairs words = { dsp_pack(first, second), dsp_pack(third, fourth) };
    if (sizeof(j_word) == 1) {
        uint32_t bytes = dsp_pack((first & 0xFF) | second * 256, (third & 0xFF) | fourth * 256);
        memcpy(column, &bytes, sizeof bytes);
    } else {
        dsp_store_two(column, words.first, words.second);
    }
    return c ? dsp_mac4(credit, dsp_four(c, true), words) : credit;
}

RTRL_INLINE int32_t column_scale(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t factor = (int32_t)(1U << (32 - down)), credit = 0;
    int k = 0, apart = count - seen;
    bool aligned = seen > 0 || (uintptr_t)column % 4 == 0; /* columns of sparse weights, which have no c, begin anywhere */
    if (count % 4 == 0 && seen % 4 == 0 && aligned) {
        for (; k < apart; k += 4) {
            (void)column_four(&column[k], &acc[k], factor, 0, NULL);
        }
#pragma GCC unroll 2
        for (; k < count; k += 4) {
            credit = column_four(&column[k], &acc[k], factor, credit, &c[k - apart]);
        }
    }
    for (; k < count; k++) {
        column[k] = (j_word)column_word(acc[k], factor);
        credit = k < apart ? credit : fx_mac(credit, c[k - apart], column[k]);
    }
    return credit;
}

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
    int down = frac - exponent, apart = count - seen;
    if (down >= 2) { /* nearly always */
        return column_scale(column, acc, count, down, c, seen);
    }
    int32_t credit = 0;
    for (int k = 0; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], down), J_MAX);
        credit = k < apart ? credit : fx_mac(credit, c[k - apart], column[k]);
    }
    return credit;
}
