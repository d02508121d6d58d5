/* dot_c.c for the Arm DSP extension. D in pairs of rows and of columns, so that it is read from one end to the other:
 * the words (r, l), (r, l + 1) of two rows, then those of the next two columns. Rows are padded to a multiple of two,
 * columns of four, by zeros, which nothing writes. Where J has bytes, each four columns are crossed as SXTB16 gives them. */
enum { UNITS_4 = (N_UNITS + 3) / 4 * 4, STATES_2 = (N_STATES + 1) / 2 * 2 };

RTRL_INLINE int d_at(int r, int l)
{
    int place = sizeof(j_word) == 1 ? (l & ~3) | (l & 1) << 1 | (l >> 1 & 1) : l;
    return (r / 2 * UNITS_4 + (place & ~1)) * 2 + r % 2 * 2 + (place & 1);
}

RTRL_INLINE void d_put(int16_t *D, int r, int l, int32_t word)
{
    D[d_at(r, l)] = (int16_t)word;
}

/* words l..l + 3 of a column, zero beyond its end, in the order of D's columns */
RTRL_INLINE dsp_pairs dot_four(const j_word column[N_UNITS], int l)
{
    j_word four[4] = { 0 };
    memcpy(four, &column[l], sizeof(j_word) * (l + 4 > N_UNITS ? N_UNITS % 4 : 4));
    return sizeof(j_word) == 1 ? dsp_bytes((const int8_t *)(const void *)four)
                               : dsp_four((const int16_t *)(const void *)four, false);
}

/* acc: (N_STATES), added to   D: (N_STATES, N_UNITS), the one of the model   column: (N_UNITS), the last component */
RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const int16_t *D, const j_word column[N_UNITS])
{
    for (int k = 0; k < STATES_2; k += 2) {
        int32_t sum[2] = { 0 };
        for (int l = 0; l < N_UNITS; l += 4, D += 8) {
            dsp_pairs v = dot_four(column, l);
#pragma GCC unroll 2
            for (int i = 0; i < 2; i++) {
                sum[i] = dsp_mac(dsp_mac(sum[i], dsp_pair(&D[2 * i]), v.first), dsp_pair(&D[2 * i + 4]), v.second);
            }
        }
        for (int i = 0; i < 2 && k + i < N_STATES; i++) {
            acc[k + i] += sum[i];
        }
    }
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    if (sizeof(j_word) == 1 || N_SEEN % 4 != 0 || N_STATES % 4 != 0) {
        return dsp_byte_dot(c, sizeof(int16_t), column, sizeof(j_word), N_SEEN);
    }
    int32_t sum = 0;
#pragma GCC unroll 4
    for (int k = 0; k < N_SEEN; k += 4) {
        sum = dsp_mac4(sum, dsp_four(&c[k], true), dsp_four((const int16_t *)(const void *)&column[k], true));
    }
    return sum;
}
