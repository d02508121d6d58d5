/* Local dynamics of SnAp-1: what a unit keeps, and its own entry of the mix, with one exponent for all units.
 * bound: after the shift no row sum |own| exceeds 2^15 - 1, so |own J| < 2^30 */
RTRL_INLINE int64_t local_sum(const rtrl_t *net, int k, int of, int i)
{
    int32_t mixed = of == N_COMPONENTS - 1 ? cell_mix(net, k * N_UNITS + i, i) : 0;
    return local_kept(net, k, of, i) + mixed;
}

RTRL_INLINE void local_prepare(rtrl_t *net)
{
    uint64_t l1 = 0, peak = 0;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int i = 0; i < N_UNITS; i++) {
            uint64_t row = 0;
            for (int of = 0; of < N_COMPONENTS; of++) {
                int64_t sum = local_sum(net, k, of, i);
                uint64_t size = (uint64_t)(sum < 0 ? -sum : sum);
                row += size;
                peak = size > peak ? size : peak;
            }
            l1 = row > l1 ? row : l1;
        }
    }
    int shift = fx_block_shift(l1, peak, N_COMPONENTS, 32767, 32767, MIX_FRAC - 15);
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int of = 0; of < N_COMPONENTS; of++) {
            for (int i = 0; i < N_UNITS; i++) {
                int64_t sum = fx_round_shift64(local_sum(net, k, of, i), shift);
                net->own[(k * N_COMPONENTS + of) * N_UNITS + i] = (int16_t)fx_narrow((int32_t)sum, 32767);
            }
        }
    }
    net->own_exp = (int8_t)(MIX_FRAC - shift);
}

RTRL_INLINE int16_t local_word(const rtrl_t *net, int k, int of, int i)
{
    return net->own[(k * N_COMPONENTS + of) * N_UNITS + i];
}

RTRL_INLINE int local_exp(const rtrl_t *net)
{
    return net->own_exp;
}
