/* acc += keep J_p, in the fraction bits of D J_p; acc: (N_STATES), `step` words from each other */
RTRL_INLINE void keep_add(int32_t *acc, int step, const rtrl_t *net, const j_word column[N_STATES])
{
    int down = net->k_exp - net->d_exp;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int of = 0; of < N_PRIVATE; of++) {
            const int16_t *keep = &net->keep[(k * N_PRIVATE + of) * N_UNITS];
            for (int i = 0; i < N_UNITS; i++) {
                int32_t part = fx_round_shift(fx_mul(keep[i], column[of * N_UNITS + i]), down);
                int32_t *sum = &acc[(k * N_UNITS + i) * step];
                *sum = fx_add(*sum, part);
            }
        }
    }
}
