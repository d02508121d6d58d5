/* dot64_c.c for the Arm M-profile vector extension: VMLALDAVA adds eight products to 64 bits */
RTRL_INLINE int64_t fx_dot64(const int16_t *a, const int16_t *b, int count)
{
    int64_t sum = 0;
    int i = 0;
    for (; i + 8 <= count; i += 8) {
        sum = vmlaldavaq_s16(sum, vldrhq_s16(&a[i]), vldrhq_s16(&b[i]));
    }
    if (i < count) {
        mve_pred16_t some = vctp16q((uint32_t)(count - i));
        sum = vmlaldavaq_s16(sum, vldrhq_z_s16(&a[i], some), vldrhq_z_s16(&b[i], some));
    }
    return sum;
}
