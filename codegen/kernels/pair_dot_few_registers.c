/* pair_dot_c.c for cores where the sums of four rows and two columns do not stay in registers (Cortex-M0, M0+, Xtensa
 * lx106): one row of D and two columns. */
RTRL_APART void pair_dot(rtrl_t *net, const j_word *columns, int count)
{
    const int16_t *D = net->D;
    for (int k = 0; k < N_STATES && count == 2; k++, D += N_UNITS) {
        int32_t a = 0, b = 0;
#pragma GCC unroll 2
        for (int l = 0; l < N_UNITS; l++) {
            int32_t d = D[l];
            a = fx_mac(a, d, columns[l]);
            b = fx_mac(b, d, columns[N_STATES + l]);
            RTRL_IN_REGISTER(a);
            RTRL_IN_REGISTER(b);
        }
        net->acc[k] = a;
        net->acc[ACC_APART + k] = b;
    }
    if (count == 1) {
        for (int r = 0; r < N_STATES; r++) {
            net->acc[r] = 0;
        }
        dot_dynamics(net->acc, D, columns);
    }
}
