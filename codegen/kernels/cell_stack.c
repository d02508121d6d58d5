/* Stack of Elman layers: h_l <- tanh(W_l [h_{l-1}; 1; h_l]), h_0 = x; a layer is a gate of rtrl_blocks
 * w_hi: Q3.12, [layer][unit][below; 1; h]   z: [below; 1; h before] a layer, h: layer after layer, Q0.15 */
static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->h, 0, sizeof net->h);
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    const int16_t *below = x;
    for (int b = 0; b < N_BLOCKS; b++) {
        const rtrl_block_t *layer = &rtrl_blocks[b];
        int16_t *z = &net->z[layer->at], *h = &net->h[layer->unit];
        memcpy(z, below, sizeof(int16_t) * (size_t)(layer->recurrent - 1));
        z[layer->recurrent - 1] = ONE_Q15;
        memcpy(&z[layer->recurrent], h, sizeof(int16_t) * (size_t)layer->rows);
        fx_tanh_rows(h, &CELL_WEIGHTS[layer->offset], z, layer->rows, layer->width);
        below = h;
    }
}
