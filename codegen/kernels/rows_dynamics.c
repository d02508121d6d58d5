/* Rows lambda = ds_end/ds, or the credit, of a step sent back through it: lambda <- lambda (keep + D).
 * D here is transposed, [unit of h][state] (rows_at), and int16 in every profile: states + 1 rows share it. */
enum { ROW_EXP_MIN = -16, ROW_EXP_MAX = 31 };

/* D = the cell's mix, rounded with one exponent d_exp <= COEF_FRAC
 * bound: after the shift no column of D and keep together has an L1 norm above 2^15 - 1, so sum |lambda| |D| < 2^30,
 * and no entry of D is larger than that */
static void rows_dynamics(rtrl_t *net)
{
    uint64_t l1 = 0;
    for (int of = 0; of < N_COMPONENTS - 1; of++) { /* columns that are kept alone */
        for (int i = 0; i < N_UNITS; i++) {
            uint64_t column = rows_keep_l1(net, of, i);
            l1 = column > l1 ? column : l1;
        }
    }
    for (int l = 0; l < N_UNITS; l += 2) {
        bool last = l + 1 == N_UNITS;
        uint64_t first = rows_keep_l1(net, N_COMPONENTS - 1, l);
        uint64_t second = last ? 0 : rows_keep_l1(net, N_COMPONENTS - 1, l + 1);
        uint64_t column = rows_mix_l1(net, l, last, first, second);
        l1 = column > l1 ? column : l1;
    }
    int shift = fx_block_shift(l1, 0, N_STATES + N_COMPONENTS, 32767, 32767, MIX_FRAC - COEF_FRAC);
    for (int l = 0; l < N_UNITS; l += 2) {
        rows_mix_round(net, l, l + 1 == N_UNITS, shift);
    }
    net->d_exp = (int8_t)(MIX_FRAC - shift);
}

/* row <- acc * 2^-frac, of these bits; few stay as they are, zero has ROW_EXP_MAX, a huge row saturates at 2^31
 * returns the exponent */
static int8_t row_store(int16_t row[N_STATES], const int32_t acc[N_STATES], int frac, uint32_t bits)
{
    if (bits == 0) {
        memset(row, 0, sizeof(int16_t) * N_STATES);
        return ROW_EXP_MAX;
    }
    int down = fx_floor_log2(bits) - 14;
    int exponent = down > 0 ? frac - down : frac;
    exponent = exponent > ROW_EXP_MAX ? ROW_EXP_MAX : exponent < ROW_EXP_MIN ? ROW_EXP_MIN : exponent;
    rows_words(row, acc, N_STATES, frac - exponent);
    return (int8_t)exponent;
}

/* row * 2^-exponent one step back; returns the new exponent */
static int8_t row_through(rtrl_t *net, int16_t row[N_STATES], int exponent)
{
    uint32_t bits;
    if (N_STATES == N_UNITS && N_PRIVATE == 0) {
        bits = rows_dot_bits(net->acc, net->D, row);
    } else {
        for (int r = 0; r < N_STATES - N_UNITS; r++) {
            net->acc[r] = 0;
        }
        rows_dot(&net->acc[N_STATES - N_UNITS], net->D, N_UNITS, row);
        rows_keep_add(net, row);
        bits = rows_bits(net->acc, N_STATES);
    }
    return row_store(row, net->acc, exponent + net->d_exp, bits);
}

/* row += credit c * 2^-c_exp of its last N_SEEN entries; returns the new exponent
 * bound: both are shifted left by at most 14 bits, one of them by none, so |sum| < 2^29 + 2^15 */
static int8_t row_add(rtrl_t *net, int16_t row[N_STATES], int exponent, const int16_t c[N_SEEN], int c_exp)
{
    int low = exponent < c_exp ? exponent : c_exp, apart = fx_abs(exponent - c_exp);
    int frac = low + (apart > 14 ? 14 : apart);
    int row_down = exponent - frac > 31 ? 31 : exponent - frac, c_down = c_exp - frac > 31 ? 31 : c_exp - frac;
    for (int r = 0; r < N_STATES; r++) {
        net->acc[r] = fx_scale(row[r], row_down);
    }
    for (int k = 0; k < N_SEEN; k++) {
        int32_t *sum = &net->acc[N_STATES - N_SEEN + k];
        *sum = fx_add(*sum, fx_scale(c[k], c_down));
    }
    return row_store(row, net->acc, frac, rows_bits(net->acc, N_STATES));
}
