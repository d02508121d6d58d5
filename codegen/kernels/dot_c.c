/* dot product of a row of D (or the credit) with a column of J, plain C.
 * bound: sum |a| |b| < 2^30, by the L1 norm of a (fx_block_shift) */
static inline int32_t dot_dynamics(const d_word a[N_UNITS], const j_word b[N_UNITS])
{
    int32_t acc = 0;
    for (int k = 0; k < N_UNITS; k++) {
        acc = fx_mac(acc, a[k], b[k]);
    }
    return acc;
}

static inline int32_t dot_credit(const int16_t a[N_UNITS], const j_word b[N_UNITS])
{
    int32_t acc = 0;
    for (int k = 0; k < N_UNITS; k++) {
        acc = fx_mac(acc, a[k], b[k]);
    }
    return acc;
}
