/* Products of D with two columns, for the Arm DSP extension. Their sums lie side by side, (ACC_APART, 2), and their words
 * are woven together: two of the one, two of the other, in the order of D's columns. */
typedef struct {
    uint32_t a;
    uint32_t b;
} pair_bits;

/* sums += D (a, b); bits: of each column (column_bits)
 * D: two rows at a time, in the order of dot_dsp.c   woven: (UNITS_4, 2)
 * 20 instructions make 32 products; in C, gcc 12 keeps the sums in memory. What has no register then waits on the stack:
 * words, sums, both bits, the end of D. At the end the four sums behind the last row are read, and not used. */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE pair_bits pair_rows(int32_t *acc, const int16_t *D, const uint32_t woven[UNITS_4])
{
    register const int16_t *rows __asm__("r0") = D;
    register const uint32_t *words __asm__("r1") = woven;
    register int32_t *sums __asm__("r2") = acc;
    register uint32_t second __asm__("r3") = 1;
    register const int16_t *end __asm__("r12") = D + STATES_2 * UNITS_4;
    __asm__ volatile("push    {r4-r11, lr}\n\t"
                     "mov     r4, r3\n\t"
                     "push    {r1-r4, r12}\n\t"
                     "ldm     r2, {r2, r3, r12, lr}\n"
                     "1:\n\t"
                     ".rept   %c[fours]\n\t"
                     "ldm     r0!, {r4-r7}\n\t"
                     "ldm     r1!, {r8-r11}\n\t"
                     "smlad   r2, r4, r8, r2\n\t"
                     "smlad   r3, r4, r9, r3\n\t"
                     "smlad   r12, r5, r8, r12\n\t"
                     "smlad   lr, r5, r9, lr\n\t"
                     "smlad   r2, r6, r10, r2\n\t"
                     "smlad   r3, r6, r11, r3\n\t"
                     "smlad   r12, r7, r10, r12\n\t"
                     "smlad   lr, r7, r11, lr\n\t"
                     ".endr\n\t"
                     "ldm     sp, {r1, r4-r7}\n\t"
                     ".irp    sum, r2, r12\n\t"
                     "eor     r8, \\sum, \\sum, asr #31\n\t"
                     "orr     r5, r5, r8\n\t"
                     ".endr\n\t"
                     ".irp    sum, r3, lr\n\t"
                     "eor     r8, \\sum, \\sum, asr #31\n\t"
                     "orr     r6, r6, r8\n\t"
                     ".endr\n\t"
                     "stm     r4!, {r2, r3, r12, lr}\n\t"
                     "ldm     r4, {r2, r3, r12, lr}\n\t"
                     "stm     sp, {r1, r4-r6}\n\t"
                     "cmp     r0, r7\n\t"
                     "bne     1b\n\t"
                     "mov     r2, r5\n\t"
                     "mov     r3, r6\n\t"
                     "add     sp, sp, #20\n\t"
                     "pop     {r4-r11, lr}"
                     : "+r"(rows), "+r"(words), "+r"(sums), "+r"(second), "+r"(end)
                     : [fours] "i"(UNITS_4 / 4)
                     : "cc", "memory");
    return (pair_bits){ (uint32_t)(uintptr_t)sums, second };
}
#else
RTRL_INLINE pair_bits pair_rows(int32_t *acc, const int16_t *D, const uint32_t woven[UNITS_4])
{
    uint32_t bits[2] = { 1, 1 };
    for (int k = 0; k < STATES_2; k++) {
        for (int c = 0; c < 2; c++) {
            int32_t *sum = &acc[2 * k + c];
            for (int l = 0; l < UNITS_4; l += 2) {
                *sum = dsp_mac(*sum, dsp_pair(&D[(k / 2 * UNITS_4 + l) * 2 + k % 2 * 2]), woven[l + c]);
            }
            bits[c] |= fx_magnitude(*sum);
        }
    }
    return (pair_bits){ bits[0], bits[1] };
}
#endif

/* acc <- 0: of a plain loop gcc makes a call of memset, which in a small libc goes byte by byte */
RTRL_INLINE void pair_start(int32_t acc[2 * ACC_APART])
{
#ifdef __ARM_FEATURE_DSP
    __asm__ volatile("movs    r4, #0\n\t"
            "movs    r5, #0\n\t"
            "movs    r6, #0\n\t"
            "mov     r8, #0\n\t"
            ".rept   %c[fours]\n\t"
            "stm     %[acc]!, {r4, r5, r6, r8}\n\t"
            ".endr"
            : [acc] "+r"(acc)
            : [fours] "i"(ACC_APART / 2)
            : "r4", "r5", "r6", "r8", "cc", "memory");
#else
    memset(acc, 0, sizeof(int32_t) * 2 * ACC_APART);
#endif
}

/* four words of two columns, woven together; each pointer moves behind what it gives or takes
 * a, b: at multiples of 4, unless they are bytes */
#ifdef __ARM_FEATURE_DSP
RTRL_INLINE void pair_weave(uint32_t **woven, const j_word **a, const j_word **b)
{
    if (sizeof(j_word) == 1) {
        __asm__ volatile("ldr     r6, [%1], #4\n\t"
                "ldr     r8, [%2], #4\n\t"
                "sxtb16  r4, r6\n\t"
                "sxtb16  r5, r8\n\t"
                "sxtb16  r6, r6, ror #8\n\t"
                "sxtb16  r8, r8, ror #8\n\t"
                "stm     %0!, {r4, r5, r6, r8}"
                : "+r"(*woven), "+r"(*a), "+r"(*b)
                :
                : "r4", "r5", "r6", "r8", "memory");
    } else {
        __asm__ volatile("ldrd    r4, r6, [%1], #8\n\t"
                "ldrd    r5, r8, [%2], #8\n\t"
                "stm     %0!, {r4, r5, r6, r8}"
                : "+r"(*woven), "+r"(*a), "+r"(*b)
                :
                : "r4", "r5", "r6", "r8", "memory");
    }
}
#else
RTRL_INLINE void pair_weave(uint32_t **woven, const j_word **a, const j_word **b)
{
    dsp_pairs first = dot_four(*a, 0), second = dot_four(*b, 0);
    const uint32_t four[4] = { first.first, second.first, first.second, second.second };
    memcpy(*woven, four, sizeof four);
    *woven += 4;
    *a += 4;
    *b += 4;
}
#endif

/* a, b: the last component of each column */
RTRL_INLINE pair_bits pair_dot(rtrl_t *net, const j_word a[N_UNITS], const j_word b[N_UNITS])
{
    uint32_t *const woven = (uint32_t *)(void *)net->words, *at = woven; /* words are at a multiple of 4 */
    if (N_UNITS % 4 == 0) {
#pragma GCC unroll 8
        for (int l = 0; l < N_UNITS / 4; l++) {
            pair_weave(&at, &a, &b);
        }
    } else {
        for (int l = 0; l < N_UNITS; l += 4, at += 4) {
            dsp_pairs first = dot_four(a, l), second = dot_four(b, l);
            const uint32_t four[4] = { first.first, second.first, first.second, second.second };
            memcpy(at, four, sizeof four);
        }
    }
    return pair_rows(net->acc, net->D, woven);
}
