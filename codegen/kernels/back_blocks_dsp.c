/* back_blocks.c for the Arm DSP extension: two units at a time, SMLALD adds both products to 64 bits. */
RTRL_APART int32_t back_mixed(const rtrl_t *net, const int16_t err[N_BLOCKS * N_NEURONS], int l)
{
    int64_t sum = 0;
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *block = &rtrl_blocks[b];
        if (block->recurrent >= 0) {
            const int16_t *w = &net->w_hi[block->offset + block->recurrent + l];
            const int16_t *e = &err[b * N_NEURONS];
#pragma GCC unroll 4
            for (int i = 0; i < N_UNITS / 2; i++, w += 2 * block->width, e += 2) {
                sum = dsp_mac64(sum, (uint16_t)w[0] | (uint32_t)w[block->width] << 16, dsp_pair(e));
            }
            if (N_UNITS % 2) {
                sum = fx_mac64(sum, w[0], e[0]);
            }
        }
    }
    return (int32_t)fx_round_shift64(sum, MIX_DOWN);
}

RTRL_INLINE int back_mixed_frac(const rtrl_t *net, int err_exp)
{
    (void)net;
    return err_exp + 12 - MIX_DOWN;
}
