/* mix_blocks_two_c.c for the Arm DSP extension: two weights are one load, and so are the coefficients of two rows. */

/* entries (r, l), (r, l + 1) of the mix, then those of row r + 1 */
RTRL_INLINE void cell_mix_four(const rtrl_t *net, int r, int l, int32_t four[4])
{
    int first = r - fx_part(r, N_UNITS, N_COMPONENTS) * N_UNITS, second = first + 1 < N_UNITS ? first + 1 : 0;
    memset(four, 0, 4 * sizeof *four);
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *block = &rtrl_blocks[b];
        if (block->recurrent >= 0) {
            const int16_t *w = &net->w_hi[block->offset + block->recurrent + l];
            uint32_t coef = dsp_pair(&net->coef[b * N_STATES + r]);
            uint32_t upper = dsp_pair(&w[first * block->width]), lower = dsp_pair(&w[second * block->width]);
            four[0] = fx_mac(four[0], (int16_t)coef, (int16_t)upper);
            four[1] = fx_add(four[1], dsp_mul_tb(upper, (int32_t)coef));
            four[2] = fx_add(four[2], dsp_mul_tb(coef, (int32_t)lower));
            four[3] = fx_add(four[3], dsp_mul_tt(coef, lower));
        }
    }
}

/* Columns l and l + 1 */
RTRL_INLINE RTRL_UNUSED void cell_mix_two(const rtrl_t *net, int r, int l, int32_t two[2])
{
    two[0] = cell_mix(net, r, l);
    two[1] = cell_mix(net, r, l + 1);
}
