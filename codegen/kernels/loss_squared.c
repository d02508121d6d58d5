/* Squared error: e = y - target, saturated, in the format of y */
static void loss_error(rtrl_t *net, const int16_t target[N_OUT])
{
    for (int o = 0; o < N_OUT; o++) {
        net->e[o] = (int16_t)fx_sat(net->y[o] - target[o], 32767);
    }
}
