/* The mix of cells whose units meet only in W z: row r = (component k, unit i), column l of the units:
 * sum over the gates of coef[gate][k][i] * W_gate[i][l], COEF_FRAC + 12 fraction bits; the cell states why it fits */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int r, int l)
{
    int k = fx_part(r, N_UNITS, N_COMPONENTS), i = r - k * N_UNITS;
    int32_t sum = 0;
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *block = &rtrl_blocks[b];
        if (block->recurrent >= 0) {
            sum = fx_mac(sum, net->coef[(b * N_COMPONENTS + k) * N_UNITS + i],
                         net->w_hi[block->offset + i * block->width + block->recurrent + l]);
        }
    }
    return sum;
}
