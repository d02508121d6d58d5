/* The cell stays as it was flashed, and so do its weights. */
#define CELL_WEIGHTS factory_w_hi
