/* A column at the end of a block: its gradient, and J of the block's end. */
enum {
    GATE_NEURONS = N_BLOCKS * N_NEURONS,
    Z_AT = (offsetof(rtrl_t, z) - TRACE_AT) / sizeof(int16_t), /* z in a trace */
    GRADIENT_MIN = -16,                                        /* least fraction bits of a gradient */
    SUM_MAX = 1073741823 /* of each half of a column's sums. check: 1073741823 == 2**30 - 1 */
};

RTRL_INLINE int block_apart(int exponent, int least)
{
    return exponent - least > 31 ? 31 : exponent - least;
}

/* old <- J_p, seen <- what its weight was multiplied with in each step */
static void block_column(rtrl_t *net, const column_t *here)
{
    rows_column(net, here->p, &net->past[block_step(net, 0) * N_TRACE + Z_AT + here->input]);
}

/* fraction bits of the sum of the part from before the block and the part from inside it */
RTRL_INLINE int block_frac(int outside, int inside, int least)
{
    int frac = outside < inside ? outside : inside;
    return frac < least ? least : frac;
}

/* g_p = lambda J_p + sum_u delta_u z_u, to the optimiser
 * bound: each half < 2^30, so half of their sum too */
static void block_gradient(rtrl_t *net, const column_t *here)
{
    const int16_t *delta = &net->delta[(here->block * N_NEURONS + here->unit) * BLOCK];
    int32_t outside = rows_product(net->lambda, net->old, N_STATES), inside = rows_product(delta, net->seen, BLOCK);
    int outside_frac = net->lambda_exp + column_exp(net, here->p), inside_frac = net->delta_exp + 15;
    int frac = block_frac(outside_frac, inside_frac, GRADIENT_MIN);
    outside = fx_step_size(outside, outside_frac - frac, SUM_MAX);
    inside = fx_step_size(inside, inside_frac - frac, SUM_MAX);
    block_apply(net, here->weight, fx_round_shift(fx_add(outside, inside), 1), frac - 1);
}

/* rows_join where the cap asks for a left shift, saturated */
static void block_saturate(rtrl_t *net, int outside_down, const j_word *a, int inside_down)
{
    for (int k = 0; k < N_STATES; k++) {
        int32_t outside = 0, inside = 0;
        for (int l = 0; l < N_STATES; l++) {
            outside = fx_mac(outside, net->Phi[phi_at(k, l)], net->old[l]);
        }
        for (int u = 0; u < BLOCK; u++) {
            inside = fx_mac(inside, a[steps_at(k, u)], net->seen[u]);
        }
        outside = fx_step_size(outside, outside_down, SUM_MAX);
        net->acc[k] = fx_add(outside, fx_step_size(inside, inside_down, SUM_MAX));
    }
}

/* J_p <- Phi J_p + sum_u A_u z_u   acc: the two sums, < 2^30 by the bounds of the rows
 * frac >= E_MIN, so a column that the cap saturates is never shifted left; frac <= ROW_EXP_MAX + E_MAX */
static void block_advance(rtrl_t *net, const column_t *here)
{
    const j_word *a = &net->A[(here->block * N_NEURONS + here->unit) * STEPS];
    int outside_frac = net->phi_exp + column_exp(net, here->p), inside_frac = net->a_exp + 15;
    int frac = block_frac(outside_frac, inside_frac, E_MIN);
    uint32_t bits;
    if (outside_frac < frac || inside_frac < frac) {
        block_saturate(net, outside_frac - frac, a, inside_frac - frac);
        bits = column_bits(net->acc, N_STATES);
    } else {
        bits = rows_join(net->acc, net->Phi, net->old, block_apart(outside_frac, frac), a, net->seen,
                         block_apart(inside_frac, frac));
    }
    (void)column_store(net, here->p, &net->J[here->p * N_STATES], net->acc, N_STATES, frac, bits, NULL, 0);
}

/* both, with the weight */
RTRL_INLINE void block_one(rtrl_t *net, const column_t *here)
{
    block_column(net, here);
    if (net->working > 0) {
        block_gradient(net, here);
    } else {
        block_keep(net, here->weight);
    }
    block_advance(net, here);
}
