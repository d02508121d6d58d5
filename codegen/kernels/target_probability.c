/* A target that is a probability, held in [0, 1]: from the format of y to Q0.15, 0..32768 */
RTRL_INLINE int32_t target_probability(int16_t target)
{
    enum { ONE = 1 << Y_FRAC };
    int32_t held = target < 0 ? 0 : target > ONE ? ONE : target;
    return held * (1 << (15 - Y_FRAC));
}
