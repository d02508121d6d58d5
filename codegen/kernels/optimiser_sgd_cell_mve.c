/* optimiser_sgd_cell.c for the Arm M-profile vector extension.
 * weight p of the cell */
RTRL_INLINE void optimiser_cell(rtrl_t *net, int p, int32_t g, int frac)
{
    int drop = rate_drop(net);
    weight_step(&net->w_hi[p], &net->w_lo[p], fx_step_size(g, frac - (W_FRAC - W_RATE) + drop, W_LIMIT >> drop));
}

/* `count` weights from p on, four at a time; of gradients g * 2^-(c_exp + E)
 * step: VQRSHL shifts each by its own bits, to the right rounding, to the left saturating; W_LIMIT >> drop is a power of
 * two or 0, so clipping what is shifted is the same as fx_step_size
 * w: as in weight_step; the difference saturates before it is held to TOP */
RTRL_INLINE void optimiser_cells(rtrl_t *net, int p, int count, const int32_t *g, const int8_t *E)
{
    enum { UNIT = 1 << W_LO_BITS, TOP = 32767 * UNIT + UNIT / 2 - 1, LO_SIZE = sizeof(w_lo_word) };
    const int drop = rate_drop(net), up = W_FRAC - W_RATE - drop - net->c_exp;
    const int32x4_t limit = vdupq_n_s32(W_LIMIT >> drop), ups = vdupq_n_s32(up);
    int16_t *w_hi = &net->w_hi[p];
    w_lo_word *w_lo = &net->w_lo[p];
    for (int i = 0; i < count; i += 4) {
        const mve_pred16_t some = vctp32q((uint32_t)(count - i));
        int32x4_t step = vqrshlq_s32(vldrwq_s32(&g[i]), vsubq_s32(ups, mve_some_words(&E[i], 1, some)));
        step = vmaxq_s32(vminq_s32(step, limit), vnegq_s32(limit));
        int32x4_t w = vshlq_n_s32(mve_some_words(&w_hi[i], 2, some), W_LO_BITS);
        w = vqsubq_s32(vaddq_s32(w, mve_some_words(&w_lo[i], LO_SIZE, some)), step);
        w = vmaxq_s32(vminq_s32(w, vdupq_n_s32(TOP)), vdupq_n_s32(-TOP));
        mve_store_some_words(&w_hi[i], 2, vrshrq_n_s32(w, W_LO_BITS), some);
        mve_store_some_words(&w_lo[i], LO_SIZE, w, some);
    }
}
