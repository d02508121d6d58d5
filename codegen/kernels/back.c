/* A credit delta = dL/ds, (N_STATES) * 2^-delta_exp, one step back in time: delta <- D^T delta with D = keep + mix. */

/* shift that brings the largest of a block of words to 16 bits; -14..16 */
RTRL_INLINE int back_down(uint32_t bits)
{
    return fx_floor_log2(bits | 1) - 14;
}

/* err: (N_BLOCKS, N_NEURONS), the error at every gate's pre-activation; returns its exponent
 * The sums are computed twice: an array of them would make the stack grow with the model */
static int16_t back_errors(const rtrl_t *net, int16_t err[N_BLOCKS * N_NEURONS])
{
    uint32_t bits = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            bits |= fx_magnitude(back_error(net, gate, i));
        }
    }
    int down = back_down(bits);
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            *err++ = (int16_t)fx_sat(fx_scale(back_error(net, gate, i), down), 32767);
        }
    }
    return (int16_t)(net->delta_exp + COEF_FRAC - ERRORS_DOWN - down);
}

/* acc <- D^T delta; returns its fraction bits
 * bound: kept and mixed are at most 2^29 each and are only shifted right, so |acc| <= 2^30 */
static int back_through(rtrl_t *net, const int16_t err[N_BLOCKS * N_NEURONS], int err_exp)
{
    enum { LAST = N_STATES - N_UNITS };
    int kept = back_kept_frac(net), mixed = back_mixed_frac(net, err_exp);
    int frac = kept < mixed ? kept : mixed;
    kept = kept - frac > 31 ? 31 : kept - frac;
    mixed = mixed - frac > 31 ? 31 : mixed - frac;
    for (int k = 0; k < N_COMPONENTS; k++) {
        for (int i = 0; i < N_UNITS; i++) {
            net->acc[k * N_UNITS + i] = fx_round_shift(back_kept(net, k, i), kept);
        }
    }
    for (int l = 0; l < N_UNITS; l++) {
        net->acc[LAST + l] = fx_add(net->acc[LAST + l], fx_round_shift(back_mixed(net, err, l), mixed));
    }
    return frac;
}

/* delta <- acc * 2^-frac with an exponent that uses all bits of a word */
static void back_delta(rtrl_t *net, int frac)
{
    uint32_t bits = 0;
    for (int r = 0; r < N_STATES; r++) {
        bits |= fx_magnitude(net->acc[r]);
    }
    int down = back_down(bits);
    for (int r = 0; r < N_STATES; r++) {
        net->delta[r] = (int16_t)fx_sat(fx_scale(net->acc[r], down), 32767);
    }
    net->delta_exp = (int16_t)(frac - down);
}
