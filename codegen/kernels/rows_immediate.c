/* acc (N_BLOCKS, N_NEURONS) <- what a row owes to each pre-activation of a step: sum_k row[k][i] coef[gate][k][i],
 * COEF_FRAC - SUM_ROOM fraction bits beside the row's; returns the bits of all |acc| together
 * bound: each product is at most 2^30, and after the shift by SUM_ROOM so is the sum of N_COMPONENTS */
static uint32_t rows_immediate(rtrl_t *net, const int16_t row[N_STATES])
{
    uint32_t bits = 0;
    int32_t *acc = net->acc;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            int32_t sum = 0;
            for (int k = 0; k < N_COMPONENTS; k++) {
                int r = k * N_UNITS + i;
                sum = fx_add(sum, fx_round_shift(fx_mul(row[r], net->coef[gate * N_STATES + r]), SUM_ROOM));
            }
            *acc++ = sum;
            bits |= (uint32_t)fx_abs(sum);
        }
    }
    return bits;
}
