/* How far both rates are shifted down: the last entry whose labelled steps are done (steps counts the one at work) */
RTRL_INLINE int rate_drop(const rtrl_t *net)
{
    int drop = 0;
    for (int i = 0; i < N_RATES && net->steps > rtrl_rate_steps[i]; i++) {
        drop = rtrl_rate_drops[i];
    }
    return drop;
}
