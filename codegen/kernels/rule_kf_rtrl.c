/* KF-RTRL: J = A u^T 2^-E on average, u <- rho u + c z, A <- D A / rho + c I, c a random sign. */
static void kronecker_merge(rtrl_t *net)
{
    enum { CELLS = N_ROWS * N_STATES, IMMEDIATE = N_BLOCKS * N_STATES };
    int sign = pair_sign(net);
    const int16_t *z = &net->z[Z_AT];
    merge_t m = pair_merge(fx_dot64(net->u, net->u, N_WIDTH), fx_dot64(net->A, net->A, CELLS), net->E[0],
                           fx_dot64(z, z, N_WIDTH), fx_dot64(net->coef, net->coef, IMMEDIATE), FRESH_EXP, sign);
    uint32_t bits = 0;
    for (int r = 0; r < N_ROWS; r++) {
        kronecker_fresh(net, net->fresh, r);
        bits |= pair_bits(&m, m.a_shift, &net->A[r * N_STATES], net->fresh, N_STATES);
    }
    int down = pair_down(bits);
    for (int r = 0; r < N_ROWS; r++) {
        kronecker_fresh(net, net->fresh, r);
        pair_store(&m, m.a_shift, &net->A[r * N_STATES], net->fresh, N_STATES, down);
    }
    int exponent = m.exponent + pair_gain(m.a_shift, down) + pair_join(&m, m.u_shift, net->u, z, N_WIDTH);
    net->E[0] = pair_exponent(net, net->u, N_WIDTH, exponent);
}
