/* Two columns at the end of a block, for the Arm DSP extension, whose words and sums lie side by side. */

/* their new words from their sums, where nothing is out of the ordinary; down in 2..31 */
RTRL_INLINE void block_store(j_word *J, const int32_t *acc, int a_down, int b_down)
{
    int32_t a = (int32_t)(1U << (32 - a_down)), b = (int32_t)(1U << (32 - b_down));
#pragma GCC unroll 4
    for (int k = 0; k < N_STATES; k += 2, acc += 4) {
        dsp_pairs first = dsp_load_two(acc), second = dsp_load_two(acc + 2);
        uint32_t pair = dsp_pack(dsp_sat(dsp_mul_high((int32_t)first.first, a)),
                                 dsp_sat(dsp_mul_high((int32_t)second.first, a)));
        memcpy(&J[k], &pair, sizeof pair);
        pair = dsp_pack(dsp_sat(dsp_mul_high((int32_t)first.second, b)),
                        dsp_sat(dsp_mul_high((int32_t)second.second, b)));
        memcpy(&J[N_STATES + k], &pair, sizeof pair);
    }
}

/* how far sums go down, as in column_store; where all columns have one exponent, no word is saturated by it */
RTRL_INLINE int block_store_down(int frac, uint32_t bits)
{
    int down = fx_floor_log2(bits) - (J_BITS - 2) + (E_MIN == E_MAX);
    return down < frac - E_MAX ? frac - E_MAX : down;
}

/* a gradient from its two parts, which are shifted right */
RTRL_INLINE int32_t block_sum(int32_t outside, int outside_down, int32_t inside, int inside_down)
{
    return fx_round_shift(dsp_round_shift(outside, outside_down) + dsp_round_shift(inside, inside_down), 1);
}

/* block_one of two columns of a row, if they have one exponent and no sum is shifted left or saturated: nearly all.
 * False: nothing was done */
RTRL_APART bool block_two(rtrl_t *net, const column_t *here)
{
    int p = here->p, exponent = column_exp(net, p), pre = here->block * N_NEURONS + here->unit;
    int outside = net->lambda_exp + exponent, inside = net->delta_exp + 15;
    int frac = net->phi_exp + exponent, a_frac = net->a_exp + 15, apart = frac - a_frac;
    frac = apart > 0 ? a_frac : frac;
    if (!TWO || column_side(here) < 2 || exponent != column_exp(net, p + 1) || frac < E_MIN ||
        outside < GRADIENT_MIN || inside < GRADIENT_MIN) {
        return false;
    }
    j_word *J = &net->J[p * N_STATES];
    rows_two_columns(net, p, &net->past[block_step(net, 0) * N_TRACE + Z_AT + here->input]);
    rows_two bits = rows_join_two(net->acc, net->Phi, net->old, apart, &net->A[pre * STEPS], net->seen);
    int a_down = block_store_down(frac, (uint32_t)bits.a), b_down = block_store_down(frac, (uint32_t)bits.b);
    if (a_down < 2 || b_down < 2 || frac - a_down < E_MIN || frac - b_down < E_MIN) {
        return false;
    }
    column_exp_put(net, p, frac - a_down);
    column_exp_put(net, p + 1, frac - b_down);
    block_store(J, net->acc, a_down, b_down);
    if (net->working == 0) {
        block_keep(net, here->weight);
        block_keep(net, here->weight + 1);
        return true;
    }
    rows_two before = rows_product_two(net->lambda, net->old, N_STATES);
    rows_two within = rows_product_two(&net->delta[pre * BLOCK], net->seen, BLOCK);
    int least = outside < inside ? outside : inside;
    int outside_down = block_apart(outside, least), inside_down = block_apart(inside, least);
    block_apply(net, here->weight, block_sum(before.a, outside_down, within.a, inside_down), least - 1);
    block_apply(net, here->weight + 1, block_sum(before.b, outside_down, within.b, inside_down), least - 1);
    return true;
}
