/* What a unit keeps of its own past, seen from behind: keep[k][of][i] takes component k back to component `of` of the
 * same unit i. Column L1 norm of keep, in the fraction bits of the mix; N_PRIVATE columns of units */
RTRL_INLINE uint64_t rows_keep_l1(const rtrl_t *net, int of, int i)
{
    uint32_t sum = 0;
    for (int k = 0; k < N_COMPONENTS && of < N_PRIVATE; k++) {
        sum += (uint32_t)fx_abs(net->keep[(k * N_PRIVATE + of) * N_UNITS + i]);
    }
    return (uint64_t)sum << (MIX_FRAC - net->k_exp);
}

/* acc += keep^T row, in the fraction bits of D^T row; d_exp <= k_exp */
RTRL_INLINE void rows_keep_add(rtrl_t *net, const int16_t row[N_STATES])
{
    int down = net->k_exp - net->d_exp;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int of = 0; of < N_PRIVATE; of++) {
            const int16_t *keep = &net->keep[(k * N_PRIVATE + of) * N_UNITS];
            for (int i = 0; i < N_UNITS; i++) {
                int32_t part = fx_round_shift(fx_mul(keep[i], row[k * N_UNITS + i]), down);
                net->acc[of * N_UNITS + i] = fx_add(net->acc[of * N_UNITS + i], part);
            }
        }
    }
}
