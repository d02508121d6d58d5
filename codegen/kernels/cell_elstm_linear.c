/* Element-wise LSTM, its linear form, Q0.15: kf = (c - z) f' (at most 1/2), kz = (1 - f) z', and times c for w_f, w_z.
 * A unit keeps f + kf w_f + kz w_z, Q27, |.| <= 1 + 4 + 8 < 16, with one exponent k_exp <= 15 for all units */
RTRL_INLINE int32_t cell_own(const rtrl_t *net, int i)
{
    const int16_t *coef = &net->coef[i];
    int32_t own = fx_mac(net->gates[i] * 4096, coef[0], net->w_hi[OWN_F + i]); /* check: 4096 == 2**(27 - 15) */
    return fx_mac(own, coef[N_UNITS], net->w_hi[OWN_Z + i]);
}

RTRL_INLINE void cell_linearise(rtrl_t *net)
{
    const int16_t *f = net->gates, *z = f + N_UNITS;
    uint32_t peak = 0;
    for (int i = 0; i < N_UNITS; i++) {
        int16_t *coef = &net->coef[i];
        int32_t c = net->c_old[i];
        coef[0] = (int16_t)fx_round_shift(fx_mul(c - z[i], fx_sigmoid_slope(f[i])), 15);
        coef[N_UNITS] = (int16_t)fx_round_shift(fx_mul(32768 - f[i], fx_tanh_slope(z[i])), 15);
        coef[2 * N_UNITS] = (int16_t)fx_round_shift(fx_mul(coef[0], c), 15);
        coef[3 * N_UNITS] = (int16_t)fx_round_shift(fx_mul(coef[N_UNITS], c), 15);
        uint32_t size = (uint32_t)fx_abs(cell_own(net, i));
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(peak, peak, 1, 32767, 32767, 12);
    for (int i = 0; i < N_UNITS; i++) {
        net->keep[i] = (int16_t)fx_narrow(fx_round_shift(cell_own(net, i), shift), 32767);
    }
    net->k_exp = (int8_t)(27 - shift);
}

/* c o' c_h of one unit, c_exp + 17 fraction bits; |c o'| <= 2^15 in Q17 */
RTRL_INLINE int32_t cell_into_gate(const rtrl_t *net, int i)
{
    int32_t o = net->gates[2 * N_UNITS + i];
    return fx_mul(net->c[i], fx_round_shift(fx_mul(net->cell[i], fx_sigmoid_slope((int16_t)o)), 13));
}

/* From the credit of h to that of c: o c_h + W_o^T q, and q = c o' c_h for the gate's weights, which learn later.
 * bound: sum |c_h| <= L1_MAX < 2^23 and |c o' W_o| <= 2, so |cell_sum| <= (2 * 2^23 + 2^15) 2^SPARE < 2^31 */
RTRL_INLINE void cell_credit(rtrl_t *net)
{
    enum { SPARE = 6 };
    const int16_t *o = &net->gates[2 * N_UNITS], *W_o = &net->w_hi[N_GATED + N_PRE];
    uint64_t l1 = 0, peak = 0;
    for (int i = 0; i < N_UNITS; i++) {
        uint32_t size = (uint32_t)fx_abs(cell_into_gate(net, i));
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(peak, peak, 1, 32767, 32767, 0);
    for (int i = 0; i < N_UNITS; i++) {
        net->gate_credit[i] = (int16_t)fx_narrow(fx_round_shift(cell_into_gate(net, i), shift), 32767);
    }
    net->gate_exp = (int8_t)(net->c_exp + 17 - shift);
    peak = 0;
    for (int j = 0; j < N_UNITS; j++) {
        int64_t sum = 0;
        for (int i = 0; i < N_UNITS; i++) {
            sum = fx_mac64(sum, net->gate_credit[i], W_o[i * GATE_ROW + j]);
        }
        int32_t through = (int32_t)fx_round_shift64(sum, 17 + 12 - SPARE - shift);
        net->cell_sum[j] = fx_add(through, fx_round_shift(fx_mul(net->c[j], o[j]), 15 - SPARE));
        uint32_t size = (uint32_t)fx_abs(net->cell_sum[j]);
        l1 += size;
        peak = size > peak ? size : peak;
    }
    shift = fx_block_shift(l1, peak, N_UNITS, L1_MAX, 32767, 0);
    for (int j = 0; j < N_UNITS; j++) {
        net->c[j] = (int16_t)fx_narrow(fx_round_shift(net->cell_sum[j], shift), 32767);
    }
    net->c_exp = (int8_t)(net->c_exp + SPARE - shift);
}

/* |q| < 2^15, so |g| < 2^30 */
RTRL_INLINE void cell_learn(rtrl_t *net)
{
    for (int i = 0; i < N_UNITS; i++) {
        for (int j = 0; j < GATE_ROW; j++) {
            int32_t seen = j < N_PRE ? net->z[j] : net->cell[j - N_PRE];
            optimiser_cell(net, N_GATED + i * GATE_ROW + j, fx_mul(net->gate_credit[i], seen), net->gate_exp + 15);
        }
    }
}
