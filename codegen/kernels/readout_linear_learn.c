/* V <- V - rate * clip(e [h; 1]^T)   |e h| <= 2^30, ERR_FRAC + 15 fraction bits */
static void readout_learn(rtrl_t *net)
{
    for (int o = 0; o < N_OUT; o++) {
        optimiser_readout_row(net, o * N_ROW, N_SHOWN, net->e[o], &net->h[N_SEEN - N_SHOWN], ERR_FRAC + 15);
        optimiser_readout(net, o * N_ROW + N_SHOWN, fx_mul(net->e[o], ONE_Q15), ERR_FRAC + 15);
    }
}
