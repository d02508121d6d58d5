/* derivatives from the implemented values, Q0.15: s (1 - s) of the logistic function, 1 - t^2 of tanh */
RTRL_INLINE int16_t fx_sigmoid_slope(int16_t s)
{
    return (int16_t)fx_round_product(fx_mul(s, 32768 - s));
}

RTRL_INLINE int16_t fx_tanh_slope(int16_t t)
{
    return fx_sat16(32768 - fx_round_product(fx_mul(t, t)));
}
