/* weight_row.c for the Arm DSP extension. Weights with 16 low bits go by pairs where no step of the row can be clipped:
 * |a| 2^15 is the largest product. TURN: the highest bits of two lo */
static __attribute__((noinline)) RTRL_UNUSED void weight_row(int16_t *hi, w_lo_word *lo, int count, int32_t a,
                                                             const int16_t *b, int s, int32_t limit)
{
    enum { TURN = -2147450880 }; /* check: -2147450880 + 2**32 == 2**31 + 2**15 */
    int j = 0;
    if (W_LO_BITS == 16 && s >= 2 && s <= 31 && (fx_abs(a) * 32768) >> s < limit) {
        int32_t factor = (int32_t)(1U << (32 - s));
        for (; j + 2 <= count; j += 2) {
            uint32_t pair = dsp_pair(&b[j]), high = dsp_pair(&hi[j]), low;
            memcpy(&low, &lo[j], sizeof low);
            low ^= (uint32_t)TURN;
            int32_t first = weight_less((int32_t)dsp_pack((int32_t)low, (int32_t)high), dsp_mul_high(fx_mul(a, (int16_t)pair), factor));
            int32_t second = weight_less((int32_t)dsp_pack_high(low, high), dsp_mul_high(fx_mul(a, (int32_t)pair >> 16), factor));
            high = dsp_pack_high((uint32_t)first, (uint32_t)second);
            low = dsp_pack(first, second) ^ (uint32_t)TURN;
            memcpy(&hi[j], &high, sizeof high);
            memcpy(&lo[j], &low, sizeof low);
        }
    }
    for (; j < count; j++) {
        weight_step(&hi[j], &lo[j], fx_step_size(fx_mul(a, b[j]), s, limit));
    }
}
