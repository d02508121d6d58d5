/* Columns of J: the weights that learn, run after run, row-major. */
typedef struct {
    int p;      /* number of the column */
    int weight; /* and of its weight */
    int run;
    int block; /* gate */
    int unit;
    int input; /* entry of z */
    int end;   /* last entry of z in this row of the run, plus one */
} column_t;

/* the first column of a row of the run that `here` is in */
RTRL_INLINE void column_row(column_t *here)
{
    const rtrl_run_t *run = &rtrl_runs[here->run];
    const rtrl_block_t *block = &rtrl_blocks[run->block];
    here->block = run->block;
    here->weight = block->offset + (here->unit - block->unit) * block->width + run->start;
    here->input = block->at + run->start;
    here->end = here->input + run->width;
}

/* columns of this row from here on, whose weights and entries of z lie side by side */
RTRL_INLINE int column_side(const column_t *here)
{
    return here->end - here->input;
}

static column_t column_at(int p)
{
    int r = 0;
    while (r + 1 < N_RUNS && p >= rtrl_runs[r + 1].column) {
        r++;
    }
    int inside = p - rtrl_runs[r].column, width = rtrl_runs[r].width;
    column_t here = { .p = p, .run = r, .unit = rtrl_blocks[rtrl_runs[r].block].unit + inside / width };
    column_row(&here);
    here.weight += inside % width;
    here.input += inside % width;
    return here;
}

RTRL_INLINE void column_next(column_t *here)
{
    here->p++;
    here->weight++;
    if (++here->input < here->end) {
        return;
    }
    const rtrl_block_t *block = &rtrl_blocks[here->block];
    if (++here->unit == block->unit + block->rows) {
        here->run += here->run + 1 < N_RUNS;
        here->unit = rtrl_blocks[rtrl_runs[here->run].block].unit;
    }
    column_row(here);
}
