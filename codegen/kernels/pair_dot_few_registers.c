/* pair_dot_c.c for cores where the sums of four rows and two columns do not stay in registers (Cortex-M0, M0+, Xtensa
 * lx106): one row of D and two columns. */
RTRL_INLINE void pair_start(volatile int32_t acc[ACC_APART])
{
#pragma GCC unroll 4
    for (int k = 0; k < ACC_APART; k++) {
        acc[k] = 0;
    }
}

RTRL_APART void pair_dot(rtrl_t *net, uint32_t bits[2], const j_word *columns, int count)
{
    const int16_t *D = net->D;
    for (int k = 0; k < N_STATES && count == 2; k++, D += N_UNITS) {
        int32_t a = net->acc[k], b = net->acc[ACC_APART + k];
#pragma GCC unroll 2
        for (int l = 0; l < N_UNITS; l++) {
            int32_t d = D[l];
            a = fx_mac(a, d, columns[l]);
            b = fx_mac(b, d, columns[N_STATES + l]);
            RTRL_IN_REGISTER(a);
            RTRL_IN_REGISTER(b);
        }
        bits[0] |= fx_magnitude(a);
        bits[1] |= fx_magnitude(b);
        net->acc[k] = a;
        net->acc[ACC_APART + k] = b;
    }
    if (count == 1) {
        dot_dynamics(net->acc, D, columns);
        bits[0] |= column_bits(net->acc, N_STATES);
    }
}
