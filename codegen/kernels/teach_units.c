/* targets for the next z, saturated at +-1 */
RTRL_INLINE void cell_teach(rtrl_t *net, const int16_t target[N_OUT])
{
    for (int o = 0; o < N_OUT; o++) {
        net->teacher[o] = (int16_t)fx_sat(fx_mul(target[o], 1 << (15 - Y_FRAC)), 32767);
    }
    net->taught = 1;
}
