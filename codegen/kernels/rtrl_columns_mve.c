/* rtrl_columns_c.c for the Arm M-profile vector extension: up to MANY columns of a row, whose weights lie side by side.
 * What is one number a column, immediate term or weight step, is made of four columns at a time. */

/* column p from its sums; returns its gradient. As column_store, but that the last sums stay in registers, and whole
 * sixteens until they are multiplied with the credit. Most columns stay at E_MAX: only for the others does it matter
 * that a magnitude is ~sum, one less than |sum|, where a sum is negative */
RTRL_INLINE int32_t column_finish(rtrl_t *net, int p, j_word *J, const int32_t acc[N_STATES], int frac)
{
    enum { LAST = (N_STATES - 1) / 16 * 16, LEFT = N_STATES - LAST, APART = N_STATES - N_SEEN };
    const bool whole = N_STATES % 16 == 0 && N_SEEN % 16 == 0;
    uint32_t size = 1; /* not 0: the highest bit is looked for */
    for (int k = 0; k < LAST; k += 16) {
        size = mve_largest(size, mve_load_sixteen(&acc[k], 16));
    }
    mve_sixteen last = mve_load_sixteen(&acc[LAST], LEFT);
    size = mve_largest(size, last);
    int exponent = column_exponent(frac, size), g = 0;
    if (exponent < E_MAX && RTRL_RARELY((size & (size - 1)) == 0)) {
        int32_t top = mve_top((int32_t)((size - 1) | 1), last);
        for (int k = 0; k < LAST; k += 16) {
            top = mve_top(top, mve_load_sixteen(&acc[k], 16));
        }
        exponent = column_exponent(frac, (uint32_t)top);
    }
    exponent = column_limit(net, exponent);
    net->E[p] = (int8_t)exponent;
    const int up = exponent - frac;
    for (int k = 0; k < LAST; k += 16) {
        mve_crossed words = store_sixteen(&J[k], mve_load_sixteen(&acc[k], 16), up);
        g += whole && k >= APART ? mve_dot_crossed(words, mve_load_crossed(&net->c[k - APART])) : 0;
    }
    if (whole) {
        return g + mve_dot_crossed(store_sixteen(&J[LAST], last, up), mve_load_crossed(&net->c[LAST - APART]));
    }
    store_some(&J[LAST], last, LEFT, up);
    return mve_dot(net->c, sizeof(int16_t), &J[APART], sizeof(j_word), N_SEEN);
}

RTRL_INLINE void rule_columns(rtrl_t *net, column_t *here, int count, bool learn)
{
    int32_t numbers[(2 + N_COMPONENTS) * MANY], *frac = numbers, *g = &numbers[MANY], *terms = &numbers[2 * MANY];
    const int p = here->p, row = here->end - here->input;
    count = count > MANY ? MANY : count;
    count = count > row ? row : count;
    immediate_row(net, here, count, frac, terms);
    j_word *J = &net->J[p * N_STATES];
    for (int i = 0; i < count; i++) {
        int32_t *acc = net->acc + ACC_APART;
        if (i % 2 == 0) {
            acc = net->acc;
            const j_word *a = &J[N_STATES - N_UNITS];
            pair_dot(net, a, i + 1 < count ? a + N_STATES : a);
        }
        keep_add(acc, 1, net, J);
        immediate_add(acc, net, here, i, frac, terms);
        g[i] = column_finish(net, p + i, J, acc, frac[i]);
        J += N_STATES;
    }
    if (learn) {
        optimiser_cells(net, here->weight, count, g, &net->E[p]);
    }
    here->p += count - 1;
    here->weight += count - 1;
    here->input += count - 1;
    column_next(here);
}
