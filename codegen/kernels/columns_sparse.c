/* As columns.c, for cells with sparse blocks (width 0): of one of those unit i sees z[at + rtrl_pattern[e]] for e from
 * rtrl_pattern_at[i] to rtrl_pattern_at[i + 1], and a run has whole rows. A block has all units. */
typedef struct {
    int p;      /* number of the column */
    int weight; /* and of its weight */
    int run;
    int block; /* gate */
    int unit;
    int input; /* entry of z */
    int entry; /* place in the row, or in rtrl_pattern */
    int end;   /* and that after the last of this row of the run */
} column_t;

/* the first column of a row of the run that `here` is in */
RTRL_INLINE void column_row(column_t *here)
{
    const rtrl_run_t *run = &rtrl_runs[here->run];
    const rtrl_block_t *block = &rtrl_blocks[run->block];
    bool sparse = block->width == 0;
    here->block = run->block;
    here->entry = sparse ? (int)rtrl_pattern_at[here->unit] : run->start;
    here->end = sparse ? (int)rtrl_pattern_at[here->unit + 1] : run->start + run->width;
    here->weight = block->offset + here->unit * block->width + here->entry;
}

/* its entry of z; behind the last column there is none */
RTRL_INLINE void column_input(column_t *here)
{
    if (here->p < N_COLUMNS) {
        const rtrl_block_t *block = &rtrl_blocks[here->block];
        here->input = block->at + (block->width ? here->entry : rtrl_pattern[here->entry]);
    }
}

/* columns of this row from here on, whose weights and entries of z lie side by side */
RTRL_INLINE int column_side(const column_t *here)
{
    return rtrl_blocks[here->block].width ? here->end - here->entry : 1;
}

static column_t column_at(int p)
{
    column_t here = { .p = p };
    while (here.run + 1 < N_RUNS && p >= rtrl_runs[here.run + 1].column) {
        here.run++;
    }
    int inside = p - rtrl_runs[here.run].column;
    column_row(&here);
    while (inside >= here.end - here.entry && here.unit + 1 < N_UNITS) {
        inside -= here.end - here.entry;
        here.unit++;
        column_row(&here);
    }
    here.entry += inside;
    here.weight += inside;
    column_input(&here);
    return here;
}

RTRL_INLINE void column_next(column_t *here)
{
    here->p++;
    here->weight++;
    if (++here->entry == here->end && here->p < N_COLUMNS) {
        if (++here->unit == N_UNITS) {
            here->unit = 0;
            here->run++;
        }
        column_row(here);
    }
    column_input(here);
}
