/* Stack of Elman layers, its linear form. T[i][k] = dh_k / d(pre-activation of unit i), Q2.13: 1 - h_i^2 for k = i, and
 * slope_k sum_j W[k][j] T[i][j] over the layer below k's, saturated at +-4. spread holds T; the last layer's units move
 * themselves alone: their slopes are also its coef
 * bound: the sum is below 2^8 2^30, times the slope below 2^53 */
static void cell_linearise(rtrl_t *net)
{
    memset(net->spread, 0, sizeof net->spread);
    memset(net->coef, 0, sizeof net->coef);
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *layer = &rtrl_blocks[b];
        int under = layer->recurrent - 1;
        for (int k = 0; k < layer->rows; k++) {
            int unit = layer->unit + k;
            int16_t slope = fx_tanh_slope(net->h[unit]);
            net->spread[unit * N_UNITS + unit] = (int16_t)fx_round_shift(slope, 2);
            for (int i = 0; i < layer->unit; i++) {
                const int16_t *below = &net->spread[i * N_UNITS + layer->unit - under];
                int64_t sum = fx_dot64(&net->w_hi[layer->offset + k * layer->width], below, under);
                net->spread[i * N_UNITS + unit] = (int16_t)fx_sat64(fx_round_shift64(sum * slope, 27), 32767);
            }
        }
    }
    const rtrl_block_t *last = &rtrl_blocks[N_BLOCKS - 1];
    for (int unit = last->unit; unit < N_UNITS; unit++) {
        net->coef[(N_BLOCKS - 1) * N_UNITS + unit] = net->spread[unit * N_UNITS + unit];
    }
}

/* mix[k][l] = sum_i T[i][k] W[i][l] over the units i of l's layer, Q25: summed in 64 bits, saturated at +-64 */
RTRL_INLINE int32_t cell_mix(const rtrl_t *net, int k, int l)
{
    enum { TOP = 2147483646 }; /* check: 2147483646 == 2**31 - 2; so that the negation of a sum fits too */
    int b = 0;
    while (l >= rtrl_blocks[b].unit + rtrl_blocks[b].rows) {
        b++;
    }
    const rtrl_block_t *layer = &rtrl_blocks[b];
    const int16_t *w = &net->w_hi[layer->offset + layer->recurrent + l - layer->unit];
    int64_t sum = 0;
    for (int i = 0; i < layer->rows; i++) {
        sum = fx_mac64(sum, net->spread[(layer->unit + i) * N_UNITS + k], w[i * layer->width]);
    }
    return fx_sat64(sum, TOP);
}
