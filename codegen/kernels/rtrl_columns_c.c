/* J_p: (N_STATES) * 2^-column_exp   D: * 2^-d_exp   acc: (2, ACC_APART) int32 * 2^-(d_exp + column_exp)
 * bound: |D J| + |keep J| < 2^30 (L1_MAX), immediate <= 2^30, so every part of the sum fits in any order
 * column `here` from its products in acc, and the update of its weight */
RTRL_INLINE void rule_column(rtrl_t *net, const column_t *here, int32_t *acc, bool learn)
{
    int p = here->p, frac = net->d_exp + column_exp(net, p);
    j_word *J = &net->J[p * N_STATES];
    keep_add(acc, 1, net, J);
    immediate_add(acc, net, here, frac);
    int32_t g = column_put(net, p, J, acc, N_STATES, frac, net->c, N_SEEN);
    if (learn) {
        optimiser_cell(net, here->weight, g, net->c_exp + column_exp(net, p));
    }
}

/* the next columns, two or the last one, of `count` that are left; `here` moves behind them */
RTRL_INLINE void rule_columns(rtrl_t *net, column_t *here, int count, bool learn)
{
    count = count > 1 ? 2 : 1;
    pair_dot(net, &net->J[here->p * N_STATES + N_STATES - N_UNITS], count);
    for (int c = 0; c < count; c++) {
        rule_column(net, here, &net->acc[c * ACC_APART], learn);
        column_next(here);
    }
}
