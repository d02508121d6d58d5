/* Cross-entropy of independent logits: e = logistic(y) - target, Q0.15
 * bound: logistic is in 0..32767, the target in 0..32768 */
static void loss_error(rtrl_t *net, const int16_t target[N_OUT])
{
    for (int o = 0; o < N_OUT; o++) {
        int32_t p = fx_sigmoid_q27(net->y[o] * (1 << (27 - Y_FRAC)));
        net->e[o] = (int16_t)fx_narrow(p - target_probability(target[o]), 32767);
    }
}
