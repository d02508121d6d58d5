/* Gradients over a window: g_p = sum over the stored steps of err z, each shifted right by err_exp. Plain C; a variant for
 * other instructions has the same bits. */
enum { Z_AT = (offsetof(rtrl_t, z) - TRACE_AT) / sizeof(int16_t), N_ERRORS = N_BLOCKS * N_NEURONS };

/* bound: |err z| <= 2^30, shifted right by COLUMN_DOWN > log2(WINDOW), so |g| <= 2^29 + WINDOW / 2 < 2^30 */
RTRL_INLINE int32_t window_gradient(const rtrl_t *net, const column_t *here)
{
    int unit = here->block * N_NEURONS + here->unit, seen = Z_AT + here->input;
    int32_t g = 0;
    for (int place = 0; place < net->filled; place++) {
        int32_t term = fx_mul(net->err[place * N_ERRORS + unit], net->ring[place * N_TRACE + seen]);
        g = fx_add(g, fx_round_shift(term, net->err_exp[place]));
    }
    return g;
}

/* the next column learns, or some of them, `most` at most; returns how many */
RTRL_INLINE int window_columns(rtrl_t *net, column_t *here, int most)
{
    (void)most;
    optimiser_cell(net, here->weight, window_gradient(net, here), net->g_exp);
    column_next(here);
    return 1;
}
