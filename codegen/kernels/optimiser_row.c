/* count weights of the readout from q on, of the gradient a b[j] */
RTRL_INLINE void optimiser_readout_row(rtrl_t *net, int q, int count, int32_t a, const int16_t *b, int frac)
{
    for (int j = 0; j < count; j++) {
        optimiser_readout(net, q + j, fx_mul(a, b[j]), frac);
    }
}
