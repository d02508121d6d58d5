/* exact_store_c.c for the Arm DSP extension: SMMULR rounds and shifts in one instruction, SSAT saturates. */
RTRL_INLINE void column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac)
{
    uint32_t bits = 1; /* not 0: its highest bit is looked for */
#pragma GCC unroll 8
    for (int k = 0; k < count; k++) {
        bits |= fx_magnitude(acc[k]);
    }
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        net->capped++;
    }
    int down = frac - exponent;
    if (down >= 2) { /* nearly always */
        int32_t factor = (int32_t)(1U << (32 - down));
#pragma GCC unroll 8
        for (int k = 0; k < count; k++) {
            column[k] = (j_word)dsp_sat(dsp_mul_high(acc[k], factor));
        }
    } else {
        for (int k = 0; k < count; k++) {
            column[k] = (j_word)fx_sat(fx_scale(acc[k], down), J_MAX);
        }
    }
    net->E[p] = (int8_t)exponent;
}
