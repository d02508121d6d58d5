/* The cell learns: its forward weights are in the struct. */
RTRL_INLINE const int16_t *cell_weights(const rtrl_t *net)
{
    return net->w_hi;
}
