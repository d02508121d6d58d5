/* rows_immediate.c for the Arm DSP extension: two units at a time, whose words are one load. */

/* Four units of one component, whose row and coef are at multiples of 4: acc <- their products; returns the ORed high
 * words of the squares */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE uint32_t rows_products(int32_t **acc, const int16_t **row, const int16_t **coef, uint32_t squares)
{
    __asm__("ldm     %1!, {r4, r5}\n\t"
            "ldm     %2!, {r6, r8}\n\t"
            "smulbb  r9, r4, r6\n\t"
            "smultt  r10, r4, r6\n\t"
            "smulbb  r12, r5, r8\n\t"
            "smultt  lr, r5, r8\n\t"
            "stm     %0!, {r9, r10, r12, lr}\n\t"
            ".irp    product, r9, r10, r12, lr\n\t"
            "smmul   \\product, \\product, \\product\n\t"
            "orr     %3, %3, \\product\n\t"
            ".endr"
            : "+r"(*acc), "+r"(*row), "+r"(*coef), "+r"(squares)
            :
            : "r4", "r5", "r6", "r8", "r9", "r10", "r12", "lr", "memory");
    return squares;
}
#else
RTRL_INLINE uint32_t rows_products(int32_t **acc, const int16_t **row, const int16_t **coef, uint32_t squares)
{
    for (int i = 0; i < 4; i++) {
        **acc = fx_mul(*(*row)++, *(*coef)++);
        squares |= dsp_square(*(*acc)++);
    }
    return squares;
}
#endif

static uint32_t rows_immediate(rtrl_t *net, const int16_t row[N_STATES])
{
    enum { FOURS = N_COMPONENTS == 1 && N_NEURONS % 4 == 0 ? N_NEURONS : 0, PAIRS = N_NEURONS / 2 * 2 };
    uint32_t squares = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        const int16_t *coef = &net->coef[gate * N_STATES];
        int32_t *acc = &net->acc[gate * N_NEURONS];
        const int16_t *words = row;
#pragma GCC unroll 4
        for (int i = 0; i < FOURS; i += 4) {
            squares = rows_products(&acc, &words, &coef, squares);
        }
#pragma GCC unroll 4
        for (int i = FOURS; i < PAIRS; i += 2) {
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
