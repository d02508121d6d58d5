/* Columns of J: the weights that learn, run after run, row-major; and the word in which one is kept between steps. */
typedef struct {
    int p;      /* number of the column */
    int weight; /* and of its weight */
    int run;
    int block; /* gate */
    int unit;
    int input; /* entry of z */
    int end;   /* last entry of z in this row of the run, plus one */
} column_t;

/* column p, in row `unit` of run `run` and there the entry number `inside` */
RTRL_INLINE column_t column_in(int p, int run, int unit, int inside)
{
    const rtrl_run_t *part = &rtrl_runs[run];
    const rtrl_block_t *block = &rtrl_blocks[part->block];
    int at = block->at + part->start;
    int weight = block->offset + unit * block->width + part->start + inside;
    column_t here = { p, weight, run, part->block, unit, at + inside, at + part->width };
    return here;
}

static column_t column_at(int p)
{
    int r = 0;
    while (r + 1 < N_RUNS && p >= rtrl_runs[r + 1].column) {
        r++;
    }
    int inside = p - rtrl_runs[r].column, width = rtrl_runs[r].width;
    return column_in(p, r, inside / width, inside % width);
}

RTRL_INLINE void column_next(column_t *here)
{
    here->p++;
    here->weight++;
    if (++here->input < here->end) {
        return;
    }
    int next = here->unit + 1 == N_UNITS;
    *here = column_in(here->p, here->run + (next && here->run + 1 < N_RUNS), next ? 0 : here->unit + 1, 0);
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
