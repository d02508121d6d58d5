/* D[r][l], where d_put lays it, = the cell's mix, rounded with one exponent d_exp <= COEF_FRAC for the whole matrix
 * bound: after the shift no row of D and keep together has an L1 norm above L1_MAX, so sum |D| |J| + sum |keep| |J|
 * < 2^30; and no entry of D exceeds D_MAX */
static void dynamics(rtrl_t *net)
{
    uint64_t l1 = 0;
    uint32_t peak = 0;
    for (int r = 0; r < N_STATES; r++) {
        uint64_t row = keep_l1(net, r);
        for (int l = 0; l < N_UNITS; l++) {
            uint32_t size = (uint32_t)fx_abs(cell_mix(net, r, l));
            row += size;
            peak = size > peak ? size : peak;
        }
        l1 = row > l1 ? row : l1;
    }
    int shift = fx_block_shift(l1, peak, N_UNITS + N_PRIVATE, L1_MAX, D_MAX, MIX_FRAC - COEF_FRAC);
    for (int r = 0; r < N_STATES; r++) {
        for (int l = 0; l < N_UNITS; l++) {
            d_put(net->D, r, l, fx_narrow(fx_round_shift(cell_mix(net, r, l), shift), D_MAX));
        }
    }
    net->d_exp = (int8_t)(MIX_FRAC - shift);
}
