/* Columns l and l + 1 of mix_blocks.c: a coefficient is loaded once for both */
RTRL_INLINE void cell_mix_two(const rtrl_t *net, int r, int l, int32_t two[2])
{
    int k = fx_part(r, N_UNITS, N_COMPONENTS), i = r - k * N_UNITS;
    two[0] = 0;
    two[1] = 0;
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *block = &rtrl_blocks[b];
        if (block->recurrent >= 0) {
            int16_t coef = net->coef[(b * N_COMPONENTS + k) * N_UNITS + i];
            const int16_t *w = &net->w_hi[block->offset + i * block->width + block->recurrent + l];
            two[0] = fx_mac(two[0], coef, w[0]);
            two[1] = fx_mac(two[1], coef, w[1]);
        }
    }
}
