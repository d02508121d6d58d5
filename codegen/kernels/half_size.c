/* log <- log + (log2 |g| - log) / 64 where g is not 0, w <- w - clip(g * 2^-(frac + log / 2) * rate, limit)
 * log: log2 of the typical |g|, Q7.8; log2 from the highest bit and the 8 bits below it, linear between powers of two
 * returns log / 2, rounded to whole shifts. bound: |level - log| < 2^16, and log stays between the two */
RTRL_INLINE int half_size(int16_t *log, int32_t g, int frac)
{
    if (g != 0) {
        uint32_t size = (uint32_t)fx_abs(g);
        int high = fx_floor_log2(size);
        int32_t level = fx_sat((high - frac) * 256 + (int32_t)((size << (31 - high)) >> 23 & 255), 32767);
        *log = (int16_t)fx_narrow(*log + fx_round_shift(level - *log, 6), 32767);
    }
    return fx_round_shift(*log, 9);
}
