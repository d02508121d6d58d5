/* `count` weights from p on, one after the other; of gradients g * 2^-(c_exp + E) */
RTRL_INLINE void optimiser_cells(rtrl_t *net, int p, int count, const int32_t *g, const int8_t *E)
{
    for (int i = 0; i < count; i++) {
        optimiser_cell(net, p + i, g[i], net->c_exp + E[i]);
    }
}
