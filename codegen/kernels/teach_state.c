/* targets for the next step: they stand in the state for the last N_OUT words of h, whose format is that of y */
RTRL_INLINE void cell_teach(rtrl_t *net, const int16_t target[N_OUT])
{
    memcpy(&net->h[N_UNITS - N_OUT], target, sizeof(int16_t) * N_OUT);
    net->taught = 1;
}
