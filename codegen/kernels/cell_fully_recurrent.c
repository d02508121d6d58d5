/* Fully recurrent network: h <- tanh(W [x; 1; h]), with teacher forcing: after a label its targets stand in z for the h
 * of the first N_OUT units
 * w_hi: (N_UNITS, N_PRE) Q3.12   z, h, teacher: Q0.15   the sum is exact in 64 bits, 27 fraction bits */
static void cell_reset(rtrl_t *net)
{
    memset(net->z, 0, sizeof net->z);
    memset(net->h, 0, sizeof net->h);
    memset(net->teacher, 0, sizeof net->teacher);
    net->forced[0] = 0;
    net->taught = 0;
}

static void cell_forward(rtrl_t *net, const int16_t x[N_IN])
{
    memcpy(net->z, x, sizeof(int16_t) * N_IN);
    net->z[N_IN] = ONE_Q15;
    memcpy(&net->z[N_IN + 1], net->h, sizeof net->h);
    if (net->taught) {
        memcpy(&net->z[N_IN + 1], net->teacher, sizeof net->teacher);
    }
    net->forced[0] = net->taught;
    net->taught = 0;
    fx_tanh_rows(net->h, CELL_WEIGHTS, net->z, N_UNITS, N_PRE);
}
