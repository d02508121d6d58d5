/* V <- V - rate * clip(e [h; 1]^T)   |e h| <= 2^30, ERR_FRAC + 15 fraction bits */
static void readout_learn(rtrl_t *net)
{
    for (int o = 0; o < N_OUT; o++) {
        for (int k = 0; k < N_ROW; k++) {
            int32_t g = fx_mul(net->e[o], k < N_SHOWN ? net->h[N_SEEN - N_SHOWN + k] : ONE_Q15);
            optimiser_readout(net, o * N_ROW + k, g, ERR_FRAC + 15);
        }
    }
}
