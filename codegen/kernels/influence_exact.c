/* J between steps, an exponent for each column: ds/dw_p = J[p] * 2^-E[p]. influence_fixed.c has one for all. */
static void column_clear(rtrl_t *net)
{
    memset(net->J, 0, sizeof net->J);
    memset(net->E, E_MAX, sizeof net->E);
}

RTRL_INLINE int column_exp(const rtrl_t *net, int p)
{
    return net->E[p];
}
