/* Products of the forward pass: tanh and the logistic function of a row's sum see no more than 32 bits of it */

/* sum of a[i] b[i], exact, saturated to 32 bits */
RTRL_INLINE int32_t fx_dot32(const int16_t *a, const int16_t *b, int count)
{
    return fx_sat32(fx_dot64(a, b, count));
}

/* sums[0..3] = four rows a, `apart` words from each other, times b, saturated to 32 bits */
RTRL_INLINE void fx_four_dots32(int32_t sums[4], const int16_t *a, int apart, const int16_t *b, int count)
{
    for (int k = 0; k < 4; k++) {
        sums[k] = fx_dot32(&a[k * apart], b, count);
    }
}

/* where row r begins, and, of rows that are taken by four, those of its group */
RTRL_INLINE int fx_group_at(int r, int width)
{
    return r * width;
}

/* words that so many rows take */
RTRL_INLINE int fx_rows_words(int rows, int width)
{
    return rows * width;
}

/* y = tanh(a b), y = sigmoid(a b), Q0.15   a: (rows, width) Q3.12   b: (width) Q0.15 */
RTRL_INLINE void fx_tanh_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    for (int i = 0; i < rows; i++) {
        y[i] = fx_tanh_q27(fx_dot32(&a[i * width], b, width));
    }
}

RTRL_INLINE void fx_sigmoid_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    for (int i = 0; i < rows; i++) {
        y[i] = fx_sigmoid_q27(fx_dot32(&a[i * width], b, width));
    }
}

/* i, f, g, o of a unit, `apart` from each other: tanh of g's sum, the logistic function of the others' */
RTRL_INLINE void fx_lstm_gates(int16_t *y, int apart, const int32_t sums[4])
{
    y[0] = fx_sigmoid_q27(sums[0]);
    y[apart] = fx_sigmoid_q27(sums[1]);
    y[2 * apart] = fx_tanh_q27(sums[2]);
    y[3 * apart] = fx_sigmoid_q27(sums[3]);
}
