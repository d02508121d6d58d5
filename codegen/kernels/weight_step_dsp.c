/* weight_step.c for the Arm DSP extension: QSUB saturates. Of a weight with 16 low bits, w + HALF is one register: hi
 * above; lo, its highest bit turned, below. Its largest value is that of an int32, its least is ABOVE the int32's.
 * bound of weights with 8 low bits: |w|, |step| < 2^24 */
RTRL_INLINE int32_t weight_less(int32_t w, int32_t step)
{
    enum { ABOVE = 65537 }; /* check: 65537 == 2**16 + 1 */
    return dsp_sub_sat(dsp_sub_sat(w, step), ABOVE) + ABOVE;
}

RTRL_INLINE void weight_step(int16_t *hi, w_lo_word *lo, int32_t step)
{
    enum { UNIT = 1 << W_LO_BITS, HALF = UNIT / 2, TOP = 32767 * UNIT + (HALF - 1) };
    int32_t w = (int32_t)(((uint32_t)*hi << W_LO_BITS) | (((uint16_t)*lo & (UNIT - 1)) ^ HALF));
    if (W_LO_BITS == 16) {
        w = weight_less(w, step);
    } else {
        w -= step;
        w = w > TOP + HALF ? TOP + HALF : w < HALF - TOP ? HALF - TOP : w;
    }
    *hi = (int16_t)(w >> W_LO_BITS);
    *lo = (w_lo_word)(w ^ HALF);
}

/* two weights that lie side by side; those with 16 low bits as pairs. TURN: the highest bits of two lo */
RTRL_INLINE RTRL_UNUSED void weight_two(int16_t *hi, w_lo_word *lo, int32_t first, int32_t second)
{
    enum { TURN = -2147450880 }; /* check: -2147450880 + 2**32 == 2**31 + 2**15 */
    if (W_LO_BITS != 16) {
        weight_step(hi, lo, first);
        weight_step(hi + 1, lo + 1, second);
        return;
    }
    uint32_t high = dsp_pair(hi), low;
    memcpy(&low, lo, sizeof low);
    low ^= (uint32_t)TURN;
    first = weight_less((int32_t)dsp_pack((int32_t)low, (int32_t)high), first);
    second = weight_less((int32_t)dsp_pack_high(low, high), second);
    high = dsp_pack_high((uint32_t)first, (uint32_t)second);
    low = dsp_pack(first, second) ^ (uint32_t)TURN;
    memcpy(hi, &high, sizeof high);
    memcpy(lo, &low, sizeof low);
}
