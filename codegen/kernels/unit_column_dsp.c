/* unit_column_c.c for the Arm DSP extension, with a short way for a column that is at E_MAX and stays there, as nearly
 * all are: |J| < 1 is the rule where inputs are within +-1. Its shifts are those of every such column of the step. */

enum { UNIT_COPIES = N_RUNS <= 8 ? N_RUNS : 1 }; /* of the code below, one a run: its places are constants then */

/* what a column needs of its unit; by value, so that the unit stays in registers where unit_column_any is not called */
typedef struct {
    uint32_t rows[N_COMPONENTS];
    uint32_t credit;
    int16_t coef[N_COMPONENTS];
    int16_t z;
    int8_t exp;
    int8_t c_exp;
    bool learn;
} unit_part_t;

/* the words of the one or two components as they are multiplied, at once */
RTRL_INLINE uint32_t unit_words(const int16_t words[N_COMPONENTS])
{
    return N_COMPONENTS == 2 ? dsp_pack(words[0], words[N_COMPONENTS - 1]) : (uint32_t)words[0];
}

RTRL_INLINE int32_t unit_mac(int32_t acc, uint32_t a, uint32_t b)
{
    return N_COMPONENTS == 2 ? dsp_mac(acc, a, b) : fx_mac(acc, (int16_t)a, (int16_t)b);
}

RTRL_INLINE void unit_ready(unit_t *unit)
{
    for (int k = 0; k < N_COMPONENTS; k++) {
        unit->rows[k] = unit_words(&unit->keep[k * N_COMPONENTS]);
    }
    unit->credit = unit_words(unit->c);
}

/* any column; one copy of it is enough */
static __attribute__((noinline)) void unit_column_any(rtrl_t *net, int p, int w, unit_part_t unit)
{
    j_word *column = &net->J[p * N_COMPONENTS];
    int32_t acc[N_COMPONENTS];
    int finer = unit_finer(unit.exp);
    int frac = unit.exp - finer + column_exp(net, p);
    int down = COEF_FRAC + 15 - frac;
    down = down > 31 ? 31 : down;
    for (int k = 0; k < N_COMPONENTS; k++) {
        int32_t sum = unit_mac(0, unit.rows[k], unit_words(column));
        acc[k] = fx_add(fx_round_shift(sum, finer), fx_round_shift(fx_mul(unit.coef[k], unit.z), down));
    }
    (void)column_store(net, p, column, acc, N_COMPONENTS, frac, column_bits(acc, N_COMPONENTS), NULL, 0);
    if (unit.learn) {
        int32_t g = unit_mac(0, unit.credit, unit_words(column));
        optimiser_cell(net, w, g, unit.c_exp + column_exp(net, p));
    }
}

/* the short way; false, and nothing is done, if the column cannot go it
 * bound: acc has `down` bits more than J at E_MAX, 9 to 15 by the cells' exponents; the exponent stays if acc has no more
 * bits than J and those */
RTRL_INLINE bool unit_column_short(rtrl_t *net, int p, int w, const unit_t *unit, const int16_t coef[N_COMPONENTS],
                                   int32_t z)
{
    j_word *column = &net->J[p * N_COMPONENTS];
    int finer = unit_finer(unit->exp), down = unit->exp - finer, rest = COEF_FRAC + 15 - E_MAX - down;
    int32_t acc[N_COMPONENTS], factor = (int32_t)(1U << (32 - down));
    uint32_t bits = 0, words = N_COMPONENTS == 2 ? dsp_pair(column) : (uint32_t)column[0];
    if (E_MIN >= E_MAX || column_exp(net, p) != E_MAX) { /* a profile with one exponent counts what saturates */
        return false;
    }
    for (int k = 0; k < N_COMPONENTS; k++) {
        int32_t sum = unit_mac((1 << finer) >> 1, unit->rows[k], words);
        acc[k] = (sum >> finer) + (fx_mac((1 << rest) >> 1, coef[k], z) >> rest);
        bits |= fx_magnitude(acc[k]);
    }
    if (bits >> (down + 15) != 0) {
        return false;
    }
    for (int k = 0; k < N_COMPONENTS; k++) {
        acc[k] = dsp_sat(dsp_mul_high(acc[k], factor));
    }
    words = N_COMPONENTS == 2 ? dsp_pack(acc[0], acc[N_COMPONENTS - 1]) : (uint32_t)acc[0];
    memcpy(column, &words, sizeof(j_word) * N_COMPONENTS);
    if (unit->learn) {
        optimiser_cell(net, w, unit_mac(0, unit->credit, words), unit->c_exp + E_MAX);
    }
    return true;
}

RTRL_INLINE void unit_column(rtrl_t *net, int p, int w, const unit_t *unit, const int16_t coef[N_COMPONENTS], int32_t z)
{
    if (unit_column_short(net, p, w, unit, coef, z)) {
        return;
    }
    unit_part_t part = { .credit = unit->credit, .z = (int16_t)z, .exp = (int8_t)unit->exp,
                         .c_exp = (int8_t)unit->c_exp, .learn = unit->learn };
    for (int k = 0; k < N_COMPONENTS; k++) {
        part.rows[k] = unit->rows[k];
        part.coef[k] = coef[k];
    }
    unit_column_any(net, p, w, part);
}
