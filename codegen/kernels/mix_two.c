/* Columns l and l + 1 of the mix of a cell with a mix of its own */
RTRL_INLINE void cell_mix_two(const rtrl_t *net, int r, int l, int32_t two[2])
{
    two[0] = cell_mix(net, r, l);
    two[1] = cell_mix(net, r, l + 1);
}
