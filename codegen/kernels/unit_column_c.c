enum { UNIT_COPIES = N_RUNS <= 4 ? N_RUNS : 1 }; /* of the code below, one a run; more would be most of a small chip's */

/* rows of keep and c are taken as they are */
RTRL_INLINE void unit_ready(unit_t *unit)
{
    (void)unit;
}

/* column p of unit i, of weight w: J_p <- keep J_p + coef z, and where there is a label, weight w after a step along c^T J_p
 * J_p: (N_COMPONENTS) * 2^-column_exp   keep: (N_COMPONENTS, N_COMPONENTS) * 2^-unit_exp   acc: int32 * 2^-frac
 * frac leaves the immediate term a right shift, so that of the products is shifted where keep is finer than coef
 * bound: sum |keep| <= 2^15 a row, or <= sqrt(2) 2^15 where keep is finer (RTU's rotation): |keep J| < 2^31, and <= 2^30
 * after the shift; |coef z| <= 2^30, shifted right; the sum fits. sum |c| <= L1_MAX = 2^15 - 1, so |g| < 2^30 */
RTRL_INLINE void unit_column(rtrl_t *net, int p, int w, const unit_t *unit, const int16_t coef[N_COMPONENTS], int32_t z)
{
    j_word *column = &net->J[p * N_COMPONENTS];
    int32_t acc[N_COMPONENTS];
    int finer = unit_finer(unit->exp);
    int frac = unit->exp - finer + column_exp(net, p);
    int down = COEF_FRAC + 15 - frac;
    down = down > 31 ? 31 : down;
    for (int k = 0; k < N_COMPONENTS; k++) {
        int32_t sum = 0;
        for (int of = 0; of < N_COMPONENTS; of++) {
            sum = fx_mac(sum, unit->keep[k * N_COMPONENTS + of], column[of]);
        }
        acc[k] = fx_add(fx_round_shift(sum, finer), fx_round_shift(fx_mul(coef[k], z), down));
    }
    uint32_t bits = column_bits(acc, N_COMPONENTS);
    int32_t g = column_store(net, p, column, acc, N_COMPONENTS, frac, bits, unit->c, N_COMPONENTS);
    if (unit->learn) {
        optimiser_cell(net, w, g, unit->c_exp + column_exp(net, p));
    }
}
