/* As advance_mix.c, for cells whose units do not mix: acc = keep v
 * bound: sum |keep| < 2^16 a row (a rotation has sqrt(2) 2^15), |v| < 2^15, so |.| < 2^31 */
RTRL_INLINE void advance_begin(rtrl_t *net)
{
    (void)net;
}

RTRL_INLINE int advance_exp(const rtrl_t *net)
{
    return net->k_exp;
}

RTRL_INLINE void advance(rtrl_t *net, const int16_t v[N_STATES])
{
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int i = 0; i < N_UNITS; i++) {
            int32_t sum = 0;
            for (int of = 0; of < N_PRIVATE; of++) {
                sum = fx_mac(sum, net->keep[(k * N_PRIVATE + of) * N_UNITS + i], v[of * N_UNITS + i]);
            }
            net->acc[k * N_UNITS + i] = sum;
        }
    }
}
