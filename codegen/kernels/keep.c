/* What a unit keeps of its own past, keep * 2^-k_exp: [component][of component][unit], d_exp <= k_exp */
RTRL_INLINE uint64_t keep_l1(const rtrl_t *net, int r)
{
    int k = fx_part(r, N_UNITS, N_COMPONENTS), i = r - k * N_UNITS;
    uint32_t sum = 0;
    for (int of = 0; of < N_PRIVATE; of++) {
        sum += (uint32_t)fx_abs(net->keep[(k * N_PRIVATE + of) * N_UNITS + i]);
    }
    return (uint64_t)sum << (MIX_FRAC - net->k_exp);
}
