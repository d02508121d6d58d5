/* mix^T delta for cells whose units meet only in W z: entry l of sum_b W_b^T err_b, err: (N_BLOCKS, N_NEURONS) * 2^-err_exp,
 * exact in 64 bits, then |.| <= 2^29 */
RTRL_INLINE int32_t back_mixed(const rtrl_t *net, const int16_t err[N_BLOCKS * N_NEURONS], int l)
{
    int64_t sum = 0;
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *block = &rtrl_blocks[b];
        if (block->recurrent >= 0) {
            const int16_t *w = &net->w_hi[block->offset + block->recurrent + l];
            for (int i = 0; i < N_UNITS; i++) {
                sum = fx_mac64(sum, w[i * block->width], err[b * N_NEURONS + i]);
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
