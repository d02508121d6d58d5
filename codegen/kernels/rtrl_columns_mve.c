/* rtrl_columns_c.c for the Arm M-profile vector extension: up to MANY columns of a row, whose weights lie side by side.
 * What is one number a column, immediate term or weight step, is made of four columns at a time. */

/* the largest and the smallest of all sums so far, and of these */
RTRL_INLINE void column_range(int32_t *top, int32_t *bottom, mve_sixteen sums)
{
    *top = vmaxvq_s32(vmaxvq_s32(vmaxvq_s32(vmaxvq_s32(*top, sums.a), sums.b), sums.c), sums.d);
    *bottom = vminvq_s32(vminvq_s32(vminvq_s32(vminvq_s32(*bottom, sums.a), sums.b), sums.c), sums.d);
}

/* column p from its sums; returns its gradient. As column_store, but that the last sums stay in registers; the largest
 * magnitude has the highest bit of all */
RTRL_INLINE int32_t column_finish(rtrl_t *net, int p, j_word *J, const int32_t acc[N_STATES], int frac)
{
    enum { LAST = (N_STATES - 1) / 16 * 16, LEFT = N_STATES - LAST };
    int32_t top = 1, bottom = -1; /* not 0: the highest bit is looked for */
    for (int k = 0; k < LAST; k += 16) {
        column_range(&top, &bottom, mve_load_sixteen(&acc[k], 16));
    }
    mve_sixteen last = mve_load_sixteen(&acc[LAST], LEFT);
    column_range(&top, &bottom, last);
    int exponent = column_exponent(net, frac, (uint32_t)(top | ~bottom)), up = exponent - frac;
    for (int k = 0; k < LAST; k += 16) {
        store_sixteen(&J[k], mve_load_sixteen(&acc[k], 16), 16, up);
    }
    store_sixteen(&J[LAST], last, LEFT, up);
    net->E[p] = (int8_t)exponent;
    return mve_dot(net->c, sizeof(int16_t), &J[N_STATES - N_SEEN], sizeof(j_word), N_SEEN);
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
