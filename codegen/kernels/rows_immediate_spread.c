/* As rows_immediate.c, for cells with gates whose weights move every unit at once: of those sum_k row[k] spread[i][k]
 * bound: each product is at most 2^30, and after the shift by SUM_ROOM so is the sum of N_UNITS */
static uint32_t rows_immediate(rtrl_t *net, const int16_t row[N_STATES])
{
    uint32_t bits = 0;
    int32_t *acc = net->acc;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        int spread = rtrl_blocks[gate].spread, count = spread ? N_UNITS : N_COMPONENTS;
        for (int i = 0; i < N_NEURONS; i++) {
            int32_t sum = 0;
            for (int k = 0; k < count; k++) {
                int32_t part = spread ? fx_mul(row[N_STATES - N_UNITS + k], net->spread[i * N_UNITS + k])
                                      : fx_mul(row[k * N_UNITS + i], net->coef[gate * N_STATES + k * N_UNITS + i]);
                sum = fx_add(sum, fx_round_shift(part, SUM_ROOM));
            }
            *acc++ = sum;
            bits |= (uint32_t)fx_abs(sum);
        }
    }
    return bits;
}
