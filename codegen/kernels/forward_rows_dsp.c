/* tanh and the logistic function of rows that are summed by four; those that are left over come one by one */

static RTRL_UNUSED void fx_tanh_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    int quarter = fx_quarter(rows, width);
    for (int i = 0; i < quarter; i++) {
        int32_t sums[4];
        fx_four_dots32(sums, &a[fx_group_at(i, width)], quarter * width, b, width);
        y[i] = fx_tanh_q27(sums[0]);
        y[i + quarter] = fx_tanh_q27(sums[1]);
        y[i + 2 * quarter] = fx_tanh_q27(sums[2]);
        y[i + 3 * quarter] = fx_tanh_q27(sums[3]);
    }
    const int16_t *rest = a + fx_rows_words(4 * quarter, width);
    for (int i = 4 * quarter; i < rows; i++, rest += width) {
        y[i] = fx_tanh_q27(fx_dot32(rest, b, width));
    }
}

static RTRL_UNUSED void fx_sigmoid_rows(int16_t *y, const int16_t *a, const int16_t *b, int rows, int width)
{
    int quarter = fx_quarter(rows, width);
    for (int i = 0; i < quarter; i++) {
        int32_t sums[4];
        fx_four_dots32(sums, &a[fx_group_at(i, width)], quarter * width, b, width);
        y[i] = fx_sigmoid_q27(sums[0]);
        y[i + quarter] = fx_sigmoid_q27(sums[1]);
        y[i + 2 * quarter] = fx_sigmoid_q27(sums[2]);
        y[i + 3 * quarter] = fx_sigmoid_q27(sums[3]);
    }
    const int16_t *rest = a + fx_rows_words(4 * quarter, width);
    for (int i = 4 * quarter; i < rows; i++, rest += width) {
        y[i] = fx_sigmoid_q27(fx_dot32(rest, b, width));
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
