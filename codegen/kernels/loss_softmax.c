/* Cross-entropy of a softmax: e = p - target, Q0.15, p = exp(y) / sum exp(y), y: Q3.12
 * exp(y - max y) = 2^-u: u has 12 fraction bits, its whole part is a shift, the rest is looked up in rtrl_exp2_table */

/* 2^-u of a distance to the largest logit, Q0.15, linear between 17 points of an octave
 * bound: distance * LOG2E <= 65535 * 23637 < 2^31, so u < 24 * 2^12 and no shift is above 23 */
RTRL_INLINE int32_t loss_power(int32_t distance)
{
    enum { LOG2E = 23637 }; /* Q14. check: 23637 == round(2**14 * 1.4426950408889634) */
    int32_t u = fx_round_shift(fx_mul(distance, LOG2E), 14);
    int32_t at = (u & 4095) >> 8, low = rtrl_exp2_table[at], high = rtrl_exp2_table[at + 1];
    return fx_round_shift(low + fx_round_shift((high - low) * (u & 255), 8), u >> 12);
}

/* bound: each power <= 32767, the largest logit's is 32767, so 0 < total <= 256 * 32767 and
 * power * 2^15 + total / 2 < 2^31; the quotient is at most 32768. One division a class. */
static void loss_error(rtrl_t *net, const int16_t target[N_OUT])
{
    int32_t top = net->y[0], total = 0;
    for (int o = 1; o < N_OUT; o++) {
        top = net->y[o] > top ? net->y[o] : top;
    }
    for (int o = 0; o < N_OUT; o++) {
        int32_t power = loss_power(top - net->y[o]);
        net->e[o] = (int16_t)power; /* kept here until the total is known */
        total = fx_add(total, power);
    }
    for (int o = 0; o < N_OUT; o++) {
        uint32_t scaled = (uint32_t)fx_mac(total >> 1, net->e[o], 32768);
        int32_t p = (int32_t)(scaled / (uint32_t)total);
        net->e[o] = (int16_t)fx_sat(p - target_probability(target[o]), 32767);
    }
}
