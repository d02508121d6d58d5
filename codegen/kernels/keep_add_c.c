/* acc += keep J_p, in the fraction bits of D J_p */
RTRL_INLINE void keep_add(int32_t acc[N_STATES], const rtrl_t *net, const j_word column[N_STATES])
{
    int down = net->k_exp - net->d_exp;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int of = 0; of < N_PRIVATE; of++) {
            const int16_t *keep = &net->keep[(k * N_PRIVATE + of) * N_UNITS];
            for (int i = 0; i < N_UNITS; i++) {
                int32_t part = fx_round_shift(fx_mul(keep[i], column[of * N_UNITS + i]), down);
                acc[k * N_UNITS + i] = fx_add(acc[k * N_UNITS + i], part);
            }
        }
    }
}
