/* Columns l and l + 1 of the mix of a cell with a mix of its own */
RTRL_INLINE void cell_mix_two(const rtrl_t *net, int r, int l, int32_t two[2])
{
    two[0] = cell_mix(net, r, l);
    two[1] = cell_mix(net, r, l + 1);
}

/* and of rows r and r + 1 */
RTRL_INLINE RTRL_UNUSED void cell_mix_four(const rtrl_t *net, int r, int l, int32_t four[4])
{
    cell_mix_two(net, r, l, four);
    cell_mix_two(net, r + 1, l, four + 2);
}
