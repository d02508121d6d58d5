/* One entry of what a unit keeps of its own past, MIX_FRAC fraction bits: k_exp <= MIX_FRAC, so |.| < 2^43. */
RTRL_INLINE int64_t local_kept(const rtrl_t *net, int k, int of, int i)
{
    return of < N_PRIVATE ? net->keep[(k * N_PRIVATE + of) * N_UNITS + i] * ((int64_t)1 << (MIX_FRAC - net->k_exp)) : 0;
}
