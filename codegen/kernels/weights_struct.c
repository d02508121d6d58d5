/* The cell learns: its forward weights are in the struct. By name, not by a pointer, of which gcc makes slower loops. */
#define CELL_WEIGHTS net->w_hi
