/* acc += D v, returns the bits of the sums (column_bits): four rows of D at a time, in the order of dot_dsp.c.
 * acc: (STATES_4)   v: (UNITS_4), at a multiple of 4
 * 21 instructions make 32 products; in C, gcc 12 keeps the sums in memory. What has no register then waits on the stack:
 * v, acc, the bits, the end of D. At the end the four sums behind the last row are read, and not used. */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE uint32_t dsp_column(int32_t *acc, const int16_t *D, const int16_t *v)
{
    register const int16_t *rows __asm__("r0") = D;
    register const int16_t *words __asm__("r1") = v;
    register int32_t *sums __asm__("r2") = acc;
    register uint32_t bits __asm__("r3") = 0;
    register const int16_t *end __asm__("r12") = D + STATES_4 * UNITS_4;
    __asm__ volatile("push    {r4-r11, lr}\n\t"
                     "push    {r1-r3, r12}\n\t"
                     "ldm     r2, {r2, r3, r12, lr}\n"
                     "1:\n\t"
                     ".rept   %c[eights]\n\t"
                     "ldm     r1!, {r8-r11}\n\t"
                     ".irp    word, r8, r9, r10, r11\n\t"
                     "ldm     r0!, {r4-r7}\n\t"
                     "smlad   r2, r4, \\word, r2\n\t"
                     "smlad   r3, r5, \\word, r3\n\t"
                     "smlad   r12, r6, \\word, r12\n\t"
                     "smlad   lr, r7, \\word, lr\n\t"
                     ".endr\n\t"
                     ".endr\n\t"
                     ".if     %c[four]\n\t"
                     "ldrd    r8, r9, [r1]\n\t"
                     ".irp    word, r8, r9\n\t"
                     "ldm     r0!, {r4-r7}\n\t"
                     "smlad   r2, r4, \\word, r2\n\t"
                     "smlad   r3, r5, \\word, r3\n\t"
                     "smlad   r12, r6, \\word, r12\n\t"
                     "smlad   lr, r7, \\word, lr\n\t"
                     ".endr\n\t"
                     ".endif\n\t"
                     "ldm     sp, {r1, r4-r6}\n\t"
                     ".irp    sum, r2, r3, r12, lr\n\t"
                     "eor     r7, \\sum, \\sum, asr #31\n\t"
                     "orr     r5, r5, r7\n\t"
                     ".endr\n\t"
                     "stm     r4!, {r2, r3, r12, lr}\n\t"
                     "ldm     r4, {r2, r3, r12, lr}\n\t"
                     "stm     sp, {r1, r4, r5}\n\t"
                     "cmp     r0, r6\n\t"
                     "bne     1b\n\t"
                     "mov     r3, r5\n\t"
                     "add     sp, sp, #16\n\t"
                     "pop     {r4-r11, lr}"
                     : "+r"(rows), "+r"(words), "+r"(sums), "+r"(bits), "+r"(end)
                     : [eights] "i"(UNITS_4 / 8), [four] "i"(UNITS_4 % 8)
                     : "cc", "memory");
    return bits;
}
#else
RTRL_INLINE uint32_t dsp_column(int32_t *acc, const int16_t *D, const int16_t *v)
{
    uint32_t bits = 0;
    for (int k = 0; k < STATES_4; k++) {
        for (int l = 0; l < UNITS_4; l += 2) {
            acc[k] = dsp_mac(acc[k], dsp_pair(&D[(k / 4 * UNITS_4 + l) * 4 + k % 4 * 2]), dsp_pair(&v[l]));
        }
        bits |= fx_magnitude(acc[k]);
    }
    return bits;
}
#endif

/* acc <- 0: of a plain loop gcc makes a call of memset, which in a small libc goes byte by byte */
RTRL_INLINE void pair_start(int32_t acc[ACC_APART])
{
#pragma GCC unroll 4
    for (int k = 0; k < ACC_APART; k += 2) {
        dsp_store_two(&acc[k], 0, 0);
    }
}

/* words <- the column, in the order of D's columns: bytes unpacked once for all rows, odd columns at an even place */
RTRL_APART RTRL_UNUSED void pair_words(int16_t words[UNITS_4], const j_word column[N_UNITS])
{
    for (int l = 0; l < N_UNITS; l += 4) {
        dsp_pairs four = dot_four(column, l);
        dsp_store_two(&words[l], four.first, four.second);
    }
}

/* pair_dot_c.c for the Arm DSP extension, one column after the other */
RTRL_APART void pair_dot(rtrl_t *net, uint32_t bits[2], const j_word *columns, int count)
{
    for (int c = 0; c < count; c++, columns += N_STATES) {
        const void *v = columns;
        if (!J_IN_WORDS) {
            pair_words(net->words, columns);
            v = net->words;
        }
        bits[c] |= dsp_column(&net->acc[c * ACC_APART], net->D, (const int16_t *)v);
    }
}
