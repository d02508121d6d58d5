/* Elman cell: h <- tanh(W [x; 1; h])
 * w_hi: (N_UNITS, N_PRE) Q3.12   z, h: Q0.15   the sum is exact in 64 bits, 27 fraction bits */
static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->h, 0, sizeof net->h);
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    fx_tanh_rows(net->h, CELL_WEIGHTS, net->z, N_UNITS, N_PRE);
}
