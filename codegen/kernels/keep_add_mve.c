/* keep_add_c.c for the Arm M-profile vector extension */
RTRL_INLINE void keep_add(int32_t acc[N_STATES], int step, const rtrl_t *net, const j_word column[N_STATES])
{
    (void)step; /* 1 */
    const int up = net->d_exp - net->k_exp;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int of = 0; of < N_PRIVATE; of++) {
            const int16_t *keep = &net->keep[(k * N_PRIVATE + of) * N_UNITS];
            const j_word *own = &column[of * N_UNITS];
            int32_t *sums = &acc[k * N_UNITS];
#pragma GCC unroll 8
            for (int i = 0; i < N_UNITS; i += 4) {
                const int left = N_UNITS - i;
                int32x4_t parts = vmulq_s32(mve_words(&keep[i], 2, left), mve_words(&own[i], sizeof(j_word), left));
                mve_store_sums(&sums[i], vaddq_s32(mve_sums(&sums[i], left), vrshlq_n_s32(parts, up)), left);
            }
        }
    }
}
