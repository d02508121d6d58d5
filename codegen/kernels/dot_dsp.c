/* dot_c.c for the Arm DSP extension. Where rows of int16 have whole 32-bit words, D lies at a multiple of 4 (layout.py).
 * acc: (N_STATES)   D: (N_STATES, N_UNITS), the one of the model   column: (N_UNITS), the last component */
RTRL_INLINE void dot_dynamics(int32_t acc[N_STATES], const d_word D[N_STATES * N_UNITS], const j_word column[N_UNITS])
{
    enum { FOURS = N_STATES / 4 * 4, ALIGNED = N_UNITS % 2 == 0 };
    for (int k = 0; k < FOURS; k += 4) {
        const void *rows = &D[k * N_UNITS];
        if (sizeof(d_word) == 1) {
            dsp_byte_rows(&acc[k], (const int8_t *)rows, N_UNITS, column, sizeof(j_word), N_UNITS);
        } else {
            dsp_rows(&acc[k], (const int16_t *)rows, N_UNITS, (const int16_t *)(const void *)column, N_UNITS, ALIGNED);
        }
    }
    for (int k = FOURS; k < N_STATES; k++) {
        acc[k] = dsp_byte_dot(&D[k * N_UNITS], sizeof(d_word), column, sizeof(j_word), N_UNITS);
    }
}

RTRL_INLINE int32_t dot_credit(const int16_t c[N_SEEN], const j_word column[N_SEEN])
{
    return sizeof(j_word) == 1 ? dsp_byte_dot(c, sizeof(int16_t), column, sizeof(j_word), N_SEEN)
                               : dsp_dot(c, (const int16_t *)(const void *)column, N_SEEN);
}
