/* acc <- 0, word by word: of a plain loop compilers make a call of memset, which in a small libc goes byte by byte */
RTRL_INLINE void pair_start(volatile int32_t acc[ACC_APART])
{
#pragma GCC unroll 4
    for (int k = 0; k < ACC_APART; k++) {
        acc[k] = 0;
    }
}

/* acc += D J of `count` columns, one or two, that lie side by side; `columns`: the last component of the first
 * acc: (2, ACC_APART), of which N_STATES count   bits: of each column (column_bits), ORed to what they hold
 * No order of additions can change a bit: no sum can overflow (rule_rtrl.c). */
RTRL_APART void pair_dot(rtrl_t *net, uint32_t bits[2], const j_word *columns, int count)
{
    for (int c = 0; c < count; c++) {
        int32_t *acc = &net->acc[c * ACC_APART];
        dot_dynamics(acc, net->D, &columns[c * N_STATES]);
        bits[c] |= column_bits(acc, N_STATES);
    }
}
