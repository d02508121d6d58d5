/* rows_dot_c.c for the Arm DSP extension.
 * acc: (rows)   a: (rows, N_STATES)   v: (N_STATES) */
RTRL_INLINE void rows_dot(int32_t *acc, const int16_t *a, int rows, const int16_t v[N_STATES])
{
    int fours = rows / 4 * 4;
    for (int k = 0; k < fours; k += 4) {
        dsp_rows(&acc[k], &a[k * N_STATES], N_STATES, v, N_STATES, false);
    }
    for (int k = fours; k < rows; k++) {
        acc[k] = dsp_dot(&a[k * N_STATES], v, N_STATES);
    }
}

/* acc: (N_STATES)   a: rows of BLOCK words, N_BLOCKS * N_NEURONS * BLOCK words apart   v: (BLOCK) */
RTRL_INLINE void rows_dot_steps(int32_t acc[N_STATES], const j_word *a, const int16_t v[BLOCK])
{
    enum { APART = N_BLOCKS * N_NEURONS * BLOCK, FOURS = N_STATES / 4 * 4 };
    for (int k = 0; k < FOURS; k += 4) {
        const void *rows = &a[k * APART];
        if (sizeof(j_word) == 1) {
            dsp_byte_rows(&acc[k], (const int8_t *)rows, APART, v, sizeof(int16_t), BLOCK);
        } else {
            dsp_rows(&acc[k], (const int16_t *)rows, APART, v, BLOCK, false);
        }
    }
    for (int k = FOURS; k < N_STATES; k++) {
        acc[k] = dsp_byte_dot(&a[k * APART], sizeof(j_word), v, sizeof(int16_t), BLOCK);
    }
}
