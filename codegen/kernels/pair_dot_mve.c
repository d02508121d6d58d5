/* Products of D with two columns that lie side by side, for the Arm M-profile vector extension: a part of both columns
 * stays in four registers, and the same part of all rows of D passes by, every load serving both. */
typedef struct {
    int8x16_t low;
    int8x16_t high;
} pair_part; /* PART words of a column; those from `left` on are zero */

RTRL_INLINE pair_part pair_load(const j_word *column, int left)
{
    enum { LANES = PART / 2, SIZE = sizeof(j_word) };
    int8x16_t low = mve_load(column, SIZE, LANES, left);
    return (pair_part){ low, left > LANES ? mve_load(column + LANES, SIZE, LANES, left - LANES) : low };
}

/* a row of a part, which `row` moves behind, times a and b: their first products, or added to what the sums hold */
RTRL_INLINE void pair_row(int32_t *a_sum, int32_t *b_sum, const int8_t **row, pair_part a, pair_part b, int left)
{
    enum { LANES = PART / 2, SIZE = D_SIZE };
    int8x16_t words = mve_next(row, SIZE, LANES, left);
    *a_sum = left == N_UNITS ? mve_mul(words, a.low, LANES) : mve_mac(*a_sum, words, a.low, LANES);
    *b_sum = left == N_UNITS ? mve_mul(words, b.low, LANES) : mve_mac(*b_sum, words, b.low, LANES);
    if (left > LANES) {
        words = mve_next(row, SIZE, LANES, left - LANES);
        *a_sum = mve_mac(*a_sum, words, a.high, LANES);
        *b_sum = mve_mac(*b_sum, words, b.high, LANES);
    }
}

/* net->acc: (2, ACC_APART) = D times the column at `a` and the one at `b`; each points to the last component */
RTRL_APART void pair_dot(rtrl_t *net, const j_word a[N_UNITS], const j_word b[N_UNITS])
{
    const int8_t *row = (const int8_t *)net->D;
    __asm__ volatile("" ::: "memory"); /* D has been written; the assembly of mve_next does not say that it reads it */
#pragma GCC unroll 8
    for (int l = 0; l < N_UNITS; l += PART) {
        const int left = N_UNITS - l;
        pair_part a_part = pair_load(a + l, left), b_part = pair_load(b + l, left);
        int32_t *a_acc = net->acc, *b_acc = net->acc + ACC_APART;
#pragma GCC unroll 4
        for (int k = 0; k + 2 <= N_STATES; k += 2) {
            mve_two a_sums = { 0, 0 }, b_sums = { 0, 0 };
            if (l > 0) {
                a_sums = mve_load_two(a_acc);
                b_sums = mve_load_two(b_acc);
            }
            pair_row(&a_sums.first, &b_sums.first, &row, a_part, b_part, left);
            pair_row(&a_sums.second, &b_sums.second, &row, a_part, b_part, left);
            mve_store_two(&a_acc, a_sums);
            mve_store_two(&b_acc, b_sums);
        }
        if (N_STATES % 2) {
            pair_row(a_acc, b_acc, &row, a_part, b_part, left);
        }
    }
}
