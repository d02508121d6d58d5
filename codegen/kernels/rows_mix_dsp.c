/* Two columns of the mix: their size, and as rows of D. `last`: there is no second. rows_mix_c.c for the Arm DSP
 * extension, two rows at a time: SMLAL by the sign of an entry adds its size, SMMULR rounds. */

/* two columns of rows r and r + 1; of row r alone */
RTRL_INLINE void rows_mix_two(const rtrl_t *net, int r, int l, bool last, int32_t two[2])
{
    if (N_UNITS % 2 && last) {
        two[0] = cell_mix(net, r, l);
        two[1] = 0;
    } else {
        cell_mix_two(net, r, l, two);
    }
}

RTRL_INLINE void rows_mix_four(const rtrl_t *net, int r, int l, bool last, int32_t four[4])
{
    if (N_UNITS % 2 && last) {
        rows_mix_two(net, r, l, last, four);
        rows_mix_two(net, r + 1, l, last, four + 2);
    } else {
        cell_mix_four(net, r, l, four);
    }
}

RTRL_APART uint64_t rows_mix_l1(const rtrl_t *net, int l, bool last, uint64_t first, uint64_t second)
{
    int32_t four[4];
#pragma GCC unroll 2
    for (int r = 0; r < N_STATES - 1; r += 2) {
        rows_mix_four(net, r, l, last, four);
        first = dsp_add_size(dsp_add_size(first, four[0]), four[2]);
        second = dsp_add_size(dsp_add_size(second, four[1]), four[3]);
    }
    if (N_STATES % 2) {
        rows_mix_two(net, N_STATES - 1, l, last, four);
        first = dsp_add_size(first, four[0]);
        second = dsp_add_size(second, four[1]);
    }
    return first > second ? first : second;
}

RTRL_APART void rows_mix_round(rtrl_t *net, int l, bool last, int shift)
{
    int at = rows_at(N_UNITS, N_STATES, l, 0), apart = rows_at(N_UNITS, N_STATES, l, 2) - at;
    int16_t *a = &net->D[at], *b = &net->D[rows_at(N_UNITS, N_STATES, l + 1, 0)];
    bool both = N_UNITS % 2 == 0 || !last;
    int32_t factor = (int32_t)(1U << (32 - shift)), four[4];
#pragma GCC unroll 2
    for (int r = 0; r < N_STATES - 1; r += 2, a += apart, b += apart) {
        rows_mix_four(net, r, l, last, four);
        a[0] = (int16_t)dsp_mul_high(four[0], factor);
        a[1] = (int16_t)dsp_mul_high(four[2], factor);
        if (both) {
            b[0] = (int16_t)dsp_mul_high(four[1], factor);
            b[1] = (int16_t)dsp_mul_high(four[3], factor);
        }
    }
    if (N_STATES % 2) {
        rows_mix_two(net, N_STATES - 1, l, last, four);
        *a = (int16_t)dsp_mul_high(four[0], factor);
        if (both) {
            *b = (int16_t)dsp_mul_high(four[1], factor);
        }
    }
}
