/* Huber's loss: e = y - target, held within +-delta, in the format of y */
static void loss_error(rtrl_t *net, const int16_t target[N_OUT])
{
    for (int o = 0; o < N_OUT; o++) {
        int32_t e = net->y[o] - target[o];
        net->e[o] = (int16_t)(e > HUBER_DELTA ? HUBER_DELTA : e < -HUBER_DELTA ? -HUBER_DELTA : e);
    }
}
