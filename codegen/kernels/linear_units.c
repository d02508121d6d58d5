/* The linear form of all units that do not mix, for rules that need it of all at once. */
static void cell_linearise(rtrl_t *net)
{
    cell_exponent(net);
    for (int i = 0; i < N_UNITS; i++) {
        unit_t unit;
        cell_unit(&unit, net, i);
        for (int r = 0; r < N_BLOCKS * N_COMPONENTS; r++) {
            net->coef[r * N_UNITS + i] = unit.coef[r];
        }
        for (int r = 0; r < N_COMPONENTS * N_COMPONENTS; r++) {
            net->keep[r * N_UNITS + i] = unit.keep[r];
        }
    }
    net->k_exp = (int8_t)unit_exp(net);
}
