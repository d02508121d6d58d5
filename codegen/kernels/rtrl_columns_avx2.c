/* rtrl_columns_c.c for AVX2: sums begin with what is added to the products, and the products' loop collects their bits.
 * J_p: (N_STATES) * 2^-column_exp   D: * 2^-d_exp   acc: (2, ACC_APART) int32 * 2^-(d_exp + column_exp)
 * bound: |D J| + |keep J| < 2^30 (L1_MAX), immediate <= 2^30, so every part of the sum fits in any order */
RTRL_INLINE int rule_frac(const rtrl_t *net, int p)
{
    return net->d_exp + column_exp(net, p);
}

/* column p from its sums, with their bits, and the update of its weight */
RTRL_APART void rule_finish(rtrl_t *net, int p, const int32_t *acc, uint32_t bits, int weight)
{
    j_word *J = &net->J[p * N_STATES];
    int32_t g = column_store(net, p, J, acc, N_STATES, rule_frac(net, p), bits, net->c, N_SEEN);
    if (weight >= 0) {
        optimiser_cell(net, weight, g, net->c_exp + column_exp(net, p));
    }
}

/* the next columns, two or the last one, of `count` that are left; `here` moves behind them */
RTRL_INLINE void rule_columns(rtrl_t *net, column_t *here, int count, bool learn)
{
    int p = here->p, weight[2];
    count = count > 1 ? 2 : 1;
    j_word *J = &net->J[p * N_STATES];
    for (int c = 0; c < count; c++) { /* what the products are added to */
        int32_t *acc = &net->acc[c * ACC_APART];
        pair_start(acc);
        keep_add(acc, 1, net, &J[c * N_STATES]);
        immediate_add(acc, net, here, rule_frac(net, p + c));
        weight[c] = learn ? here->weight : -1;
        column_next(here);
    }
    uint32_t bits[2] = { 0 };
    pair_dot(net, bits, &J[N_STATES - N_UNITS], count);
    for (int c = 0; c < count; c++) {
        rule_finish(net, p + c, &net->acc[c * ACC_APART], bits[c] | 1, weight[c]);
    }
}
