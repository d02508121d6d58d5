/* count weights of the cell from p on, of the gradient a b[j] */
RTRL_INLINE void optimiser_cell_row(rtrl_t *net, int p, int count, int32_t a, const int16_t *b, int frac)
{
    for (int j = 0; j < count; j++) {
        optimiser_cell(net, p + j, fx_mul(a, b[j]), frac);
    }
}
