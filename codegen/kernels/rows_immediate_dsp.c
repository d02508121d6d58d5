/* rows_immediate.c for the Arm DSP extension: two units at a time, whose words are one load. */
static uint32_t rows_immediate(rtrl_t *net, const int16_t row[N_STATES])
{
    enum { PAIRS = N_NEURONS / 2 * 2 };
    uint32_t squares = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        const int16_t *coef = &net->coef[gate * N_STATES];
        int32_t *acc = &net->acc[gate * N_NEURONS];
#pragma GCC unroll 4
        for (int i = 0; i < PAIRS; i += 2) {
            int32_t low = 0, high = 0;
            for (int k = 0; k < N_COMPONENTS; k++) {
                uint32_t a = dsp_pair(&row[k * N_UNITS + i]), b = dsp_pair(&coef[k * N_UNITS + i]);
                low += fx_round_shift((int16_t)a * (int16_t)b, SUM_ROOM);
                high += fx_round_shift(dsp_mul_tt(a, b), SUM_ROOM);
            }
            dsp_store_two(&acc[i], (uint32_t)low, (uint32_t)high);
            squares |= dsp_square(low) | dsp_square(high);
        }
        for (int i = PAIRS; i < N_NEURONS; i++) {
            int32_t sum = 0;
            for (int k = 0; k < N_COMPONENTS; k++) {
                sum += fx_round_shift(fx_mul(row[k * N_UNITS + i], coef[k * N_UNITS + i]), SUM_ROOM);
            }
            acc[i] = sum;
            squares |= dsp_square(sum);
        }
    }
    return rows_highest(squares, net->acc, N_BLOCKS * N_NEURONS);
}
