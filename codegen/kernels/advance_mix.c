/* acc = (keep + D) v for a vector v (N_STATES) of int16 words, in advance_exp more fraction bits than v
 * bound: |.| < 2^30 by the L1 rule of D and keep */
RTRL_INLINE void advance_begin(rtrl_t *net)
{
    dynamics(net);
}

RTRL_INLINE int advance_exp(const rtrl_t *net)
{
    return net->d_exp;
}

RTRL_INLINE void advance(rtrl_t *net, const int16_t v[N_STATES])
{
    memset(net->acc, 0, sizeof net->acc);
    dot_dynamics(net->acc, net->D, &v[N_STATES - N_UNITS]);
    keep_add(net->acc, 1, net, v);
}
