/* Two columns of the mix: their size, and as rows of D. `last`: there is no second. Plain C; a variant for other
 * instructions has the same bits. */

/* entries (r, l) and (r, l + 1) of the mix */
RTRL_INLINE void rows_mix_two(const rtrl_t *net, int r, int l, bool last, int32_t two[2])
{
    if (last) {
        two[0] = cell_mix(net, r, l);
        two[1] = 0;
    } else {
        cell_mix_two(net, r, l, two);
    }
}

/* L1 norm of the larger of two columns */
static uint64_t rows_mix_l1(const rtrl_t *net, int l, bool last, uint64_t first, uint64_t second)
{
    for (int r = 0; r < N_STATES; r++) {
        int32_t two[2];
        rows_mix_two(net, r, l, last, two);
        first += (uint32_t)fx_abs(two[0]);
        second += (uint32_t)fx_abs(two[1]);
    }
    return first > second ? first : second;
}

/* D[l], D[l + 1] <- two columns / 2^shift, shift >= 12 */
static void rows_mix_round(rtrl_t *net, int l, bool last, int shift)
{
    int16_t *a = &net->D[rows_at(N_UNITS, N_STATES, l, 0)], *b = a + N_STATES;
    for (int r = 0; r < N_STATES; r++) {
        int32_t two[2];
        rows_mix_two(net, r, l, last, two);
        a[r] = (int16_t)fx_narrow(fx_round_shift(two[0], shift), 32767);
        if (!last) {
            b[r] = (int16_t)fx_narrow(fx_round_shift(two[1], shift), 32767);
        }
    }
}
