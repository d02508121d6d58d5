/* window_c.c for the Arm DSP extension: an error is loaded once for columns side by side; SMMLAR rounds, shifts and adds. */
enum { Z_AT = (offsetof(rtrl_t, z) - TRACE_AT) / sizeof(int16_t), N_ERRORS = N_BLOCKS * N_NEURONS };

/* gradients of 2 pairs columns that lie side by side; as few as one step has shifts of at least COLUMN_DOWN >= 2
 * bound: |err z| <= 2^30, shifted right by COLUMN_DOWN > log2(WINDOW), so |g| <= 2^29 + WINDOW / 2 < 2^30 */
RTRL_INLINE void window_gradients(const rtrl_t *net, const column_t *here, int32_t *g, int pairs)
{
    const int16_t *err = &net->err[here->block * N_NEURONS + here->unit], *z = &net->ring[Z_AT + here->input];
    const int16_t *down = net->err_exp, *end = down + net->filled;
    int32_t a = 0, b = 0, c = 0, d = 0;
    for (; down < end; down++, err += N_ERRORS, z += N_TRACE) {
        int32_t factor = (int32_t)(1U << (32 - *down));
        uint32_t two = dsp_pair(z);
        a = dsp_mac_high(a, *err * (int16_t)two, factor);
        b = dsp_mac_high(b, dsp_mul_tb(two, *err), factor);
        if (pairs == 2) {
            two = dsp_pair(z + 2);
            c = dsp_mac_high(c, *err * (int16_t)two, factor);
            d = dsp_mac_high(d, dsp_mul_tb(two, *err), factor);
        }
    }
    g[0] = a;
    g[1] = b;
    if (pairs == 2) {
        g[2] = c;
        g[3] = d;
    }
}

RTRL_APART void window_four(const rtrl_t *net, const column_t *here, int32_t g[4])
{
    window_gradients(net, here, g, 2);
}

RTRL_APART void window_two(const rtrl_t *net, const column_t *here, int32_t g[2])
{
    window_gradients(net, here, g, 1);
}

RTRL_INLINE int32_t window_gradient(const rtrl_t *net, const column_t *here)
{
    int unit = here->block * N_NEURONS + here->unit, seen = Z_AT + here->input;
    int32_t g = 0;
    for (int place = 0; place < net->filled; place++) {
        int32_t term = net->err[place * N_ERRORS + unit] * net->ring[place * N_TRACE + seen];
        g = dsp_mac_high(g, term, (int32_t)(1U << (32 - net->err_exp[place])));
    }
    return g;
}

RTRL_INLINE int window_columns(rtrl_t *net, column_t *here, int most)
{
    int side = column_side(here), done = 1;
    int32_t g[4];
    side = side < most ? side : most;
    if (side >= 4) {
        window_four(net, here, g);
        done = 4;
    } else if (side >= 2) {
        window_two(net, here, g);
        done = 2;
    } else {
        g[0] = window_gradient(net, here);
    }
    for (int i = 0; i < done; i++) {
        optimiser_cell(net, here->weight, g[i], net->g_exp);
        column_next(here);
    }
    return done;
}
