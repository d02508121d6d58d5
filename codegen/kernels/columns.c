/* Columns of J: weight after weight, block after block; and the word in which one is kept between steps. */
typedef struct {
    int p;     /* number of the column, which is that of the weight */
    int block; /* gate */
    int unit;
    int input; /* entry of z */
    int end;   /* last entry of z in this row, plus one */
} column_t;

static column_t column_at(int p)
{
    int b = 0;
    while (b + 1 < N_BLOCKS && p >= rtrl_blocks[b + 1].offset) {
        b++;
    }
    int inside = p - rtrl_blocks[b].offset, width = rtrl_blocks[b].width, at = rtrl_blocks[b].at;
    column_t here = { p, b, inside / width, at + inside % width, at + width };
    return here;
}

RTRL_INLINE void column_next(column_t *here)
{
    here->p++;
    if (++here->input < here->end) {
        return;
    }
    if (++here->unit == N_UNITS) {
        here->unit = 0;
        here->block += here->block + 1 < N_BLOCKS;
    }
    here->input = rtrl_blocks[here->block].at;
    here->end = here->input + rtrl_blocks[here->block].width;
}

/* column <- acc * 2^-frac with the exponent that uses J_BITS - 1 bits; larger than the cap: saturate, and say so
 * returns the exponent */
RTRL_INLINE int8_t column_store(j_word *column, const int32_t *acc, int count, int frac, uint32_t *capped)
{
    uint32_t bits = 1; /* not 0: its highest bit is looked for */
    for (int k = 0; k < count; k++) {
        bits |= fx_magnitude(acc[k]);
    }
    int exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
    exponent = exponent > E_MAX ? E_MAX : exponent;
    if (exponent < E_MIN) {
        exponent = E_MIN;
        (*capped)++;
    }
    for (int k = 0; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], frac - exponent), J_MAX);
    }
    return (int8_t)exponent;
}
