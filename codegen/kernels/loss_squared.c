/* Squared error: e = y - target, saturated, in the format of y */
RTRL_INLINE void loss_error(int16_t e[N_OUT], const int16_t y[N_OUT], const int16_t target[N_OUT])
{
    for (int o = 0; o < N_OUT; o++) {
        e[o] = (int16_t)fx_sat(y[o] - target[o], 32767);
    }
}
