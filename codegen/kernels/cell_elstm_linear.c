/* Element-wise LSTM, the linear form of one unit, Q0.15: kf = (c - z) f' (at most 1/2), kz = (1 - f) z', and times c for w_f, w_z.
 * A unit keeps f + kf w_f + kz w_z, Q27, |.| <= 1 + 4 + 8 < 16, with one exponent k_exp <= 15 for all units */
RTRL_INLINE int32_t cell_own(int16_t coef[N_BLOCKS], const rtrl_t *net, int i)
{
    int32_t c = net->c_old[i], f = net->gates[i], z = net->gates[N_UNITS + i];
    coef[0] = (int16_t)fx_round_product(fx_mul(c - z, fx_sigmoid_slope((int16_t)f)));
    coef[1] = (int16_t)fx_round_product(fx_mul(32768 - f, fx_tanh_slope((int16_t)z)));
    coef[2] = (int16_t)fx_round_product(fx_mul(coef[0], c));
    coef[3] = (int16_t)fx_round_product(fx_mul(coef[1], c));
    int32_t own = fx_mac(f * 4096, coef[0], net->w_hi[OWN_F + i]); /* check: 4096 == 2**(27 - 15) */
    return fx_mac(own, coef[1], net->w_hi[OWN_Z + i]);
}

RTRL_INLINE void cell_exponent(rtrl_t *net)
{
    uint32_t peak = 0;
    for (int i = 0; i < N_UNITS; i++) {
        int16_t coef[N_BLOCKS];
        uint32_t size = (uint32_t)fx_abs(cell_own(coef, net, i));
        peak = size > peak ? size : peak;
    }
    net->k_exp = (int8_t)(27 - fx_block_shift(peak, peak, 1, 32767, 32767, 12));
}

RTRL_INLINE int unit_exp(const rtrl_t *net)
{
    return net->k_exp;
}

RTRL_INLINE void cell_unit(unit_t *unit, const rtrl_t *net, int i)
{
    unit->keep[0] = (int16_t)fx_narrow(fx_round_shift(cell_own(unit->coef, net, i), 27 - net->k_exp), 32767);
}

/* c o' c_h of one unit, c_exp + 17 fraction bits; |c o'| <= 2^15 in Q17 */
RTRL_INLINE int32_t cell_into_gate(const rtrl_t *net, int i)
{
    int32_t o = net->gates[2 * N_UNITS + i];
    return fx_mul(net->c[i], fx_round_shift(fx_mul(net->cell[i], fx_sigmoid_slope((int16_t)o)), 13));
}

/* W_o^T q of units j and k, exact: two at a time, as each q is loaded for both */
RTRL_INLINE void cell_through(int64_t sums[2], const rtrl_t *net, int j, int k)
{
    const int16_t *row = &net->w_hi[N_GATED + N_PRE];
    sums[0] = sums[1] = 0;
    for (int i = 0; i < N_UNITS; i++, row += GATE_ROW) {
        sums[0] = fx_mac64(sums[0], net->gate_credit[i], row[j]);
        sums[1] = fx_mac64(sums[1], net->gate_credit[i], row[k]);
    }
}

/* From the credit of h to that of c: o c_h + W_o^T q, and q = c o' c_h for the gate's weights, which learn later.
 * bound: sum |c_h| <= L1_MAX < 2^23 and |c o' W_o| <= 2, so |cell_sum| <= (2 * 2^23 + 2^15) 2^SPARE < 2^31 */
RTRL_INLINE void cell_credit(rtrl_t *net)
{
    enum { SPARE = 6 };
    const int16_t *o = &net->gates[2 * N_UNITS];
    uint64_t l1 = 0;
    uint32_t peak = 0;
    for (int i = 0; i < N_UNITS; i++) {
        net->cell_sum[i] = cell_into_gate(net, i);
        uint32_t size = (uint32_t)fx_abs(net->cell_sum[i]);
        peak = size > peak ? size : peak;
    }
    int shift = fx_block_shift(peak, peak, 1, 32767, 32767, 0);
    for (int i = 0; i < N_UNITS; i++) {
        net->gate_credit[i] = (int16_t)fx_narrow(fx_round_shift(net->cell_sum[i], shift), 32767);
    }
    net->gate_exp = (int8_t)(net->c_exp + 17 - shift);
    peak = 0;
    int64_t sums[2] = { 0, 0 };
    for (int j = 0; j < N_UNITS; j++) {
        if (j % 2 == 0) {
            cell_through(sums, net, j, j + 1 < N_UNITS ? j + 1 : j);
        }
        int32_t through = (int32_t)fx_round_shift64(sums[j % 2], 17 + 12 - SPARE - shift);
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
        int row = N_GATED + i * GATE_ROW, frac = net->gate_exp + 15;
        optimiser_cell_row(net, row, N_PRE, net->gate_credit[i], net->z, frac);
        optimiser_cell_row(net, row + N_PRE, N_UNITS, net->gate_credit[i], net->cell, frac);
    }
}
