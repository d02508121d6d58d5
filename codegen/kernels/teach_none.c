/* No teacher forcing: the next step goes on from the cell's own state. */
RTRL_INLINE void cell_teach(rtrl_t *net, const int16_t target[N_OUT])
{
    (void)net;
    (void)target;
}
