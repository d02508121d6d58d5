/* Two columns of the mix: their size, and as rows of D. `last`: there is no second. rows_mix_c.c for the Arm DSP
 * extension, unrolled: SMLAL by the sign of an entry adds its size, SMMULR rounds. */
RTRL_INLINE void rows_mix_two(const rtrl_t *net, int r, int l, bool last, int32_t two[2])
{
    if (N_UNITS % 2 && last) {
        two[0] = cell_mix(net, r, l);
        two[1] = 0;
    } else {
        cell_mix_two(net, r, l, two);
    }
}

RTRL_APART uint64_t rows_mix_l1(const rtrl_t *net, int l, bool last, uint64_t first, uint64_t second)
{
#pragma GCC unroll 2
    for (int r = 0; r < N_STATES; r++) {
        int32_t two[2];
        rows_mix_two(net, r, l, last, two);
        first += (uint64_t)((int64_t)two[0] * dsp_sign(two[0]));
        second += (uint64_t)((int64_t)two[1] * dsp_sign(two[1]));
    }
    return first > second ? first : second;
}

/* an entry of a pair of rows of D: words `at` of both */
RTRL_INLINE void rows_mix_store(int16_t *a, int16_t *b, bool last, const int32_t two[2], int32_t factor)
{
    *a = (int16_t)dsp_mul_high(two[0], factor);
    if (N_UNITS % 2 == 0 || !last) {
        *b = (int16_t)dsp_mul_high(two[1], factor);
    }
}

RTRL_APART void rows_mix_round(rtrl_t *net, int l, bool last, int shift)
{
    int at = rows_at(N_UNITS, N_STATES, l, 0), apart = rows_at(N_UNITS, N_STATES, l, 2) - at;
    int16_t *a = &net->D[at], *b = &net->D[rows_at(N_UNITS, N_STATES, l + 1, 0)];
    int32_t factor = (int32_t)(1U << (32 - shift)), two[2];
#pragma GCC unroll 2
    for (int r = 0; r < N_STATES - 1; r += 2, a += apart, b += apart) {
        rows_mix_two(net, r, l, last, two);
        rows_mix_store(a, b, last, two, factor);
        rows_mix_two(net, r + 1, l, last, two);
        rows_mix_store(a + 1, b + 1, last, two, factor);
    }
    if (N_STATES % 2) {
        rows_mix_two(net, N_STATES - 1, l, last, two);
        rows_mix_store(a, b, last, two, factor);
    }
}
