/* what is taken back of the distance between two weights
 * bound: the distance is below 2^32 and DECAY at least 1, so the result is not beyond the largest weight */
RTRL_INLINE int32_t decay_step(int16_t hi, w_lo_word lo, int16_t first_hi, w_lo_word first_lo)
{
    int64_t distance = (int64_t)(hi - first_hi) * (1 << W_LO_BITS) + (lo - first_lo);
    return (int32_t)fx_round_shift64(distance, DECAY);
}
