/* pair_dot_c.c for cores where the sums of four rows and two columns do not stay in registers (Cortex-M0, M0+, Xtensa
 * lx106): one row of D and two columns. */
#ifdef __ARM_ARCH_6M__
enum {
    MOST = 32, /* words of a row that are written out, 12 bytes of code each; so all these sizes take the same stack */
    WRITTEN_OUT = N_UNITS > 2 && N_UNITS <= MOST
};

/* woven <- the words of two columns in turn, and zeroes where D's rows have one word more
 * a, b: at multiples of 4, if D's rows have no word more and theirs are int16 */
RTRL_INLINE void pair_weave(int32_t woven[2 * D_WIDTH], const j_word *a, const j_word *b)
{
    if (sizeof(j_word) == 2 && N_UNITS % 2 == 0) {
        __asm__ volatile(".syntax unified\n\t"
                         ".rept   %c[pairs]\n\t"
                         "ldmia   %1!, {r5}\n\t"
                         "ldmia   %2!, {r6}\n\t"
                         "sxth    r3, r5\n\t"
                         "sxth    r4, r6\n\t"
                         "asrs    r5, r5, #16\n\t"
                         "asrs    r6, r6, #16\n\t"
                         "stmia   %0!, {r3-r6}\n\t"
                         ".endr"
                         : "+l"(woven), "+l"(a), "+l"(b)
                         : [pairs] "i"(N_UNITS / 2)
                         : "r3", "r4", "r5", "r6", "cc", "memory");
        return;
    }
    for (int l = 0; l < N_UNITS; l++) {
        woven[2 * l] = a[l];
        woven[2 * l + 1] = b[l];
    }
    for (int i = 2 * N_UNITS; i < 2 * D_WIDTH; i++) {
        woven[i] = 0;
    }
}

/* acc <- D J of two columns whose words were woven together: 12 instructions for 4 products, 9 for sums and addresses
 * of a row. LDRSH takes no constant and MULS destroys a factor: LDM loads two words of each column again for each row */
RTRL_INLINE void pair_written_out(int32_t *acc, const int16_t *D, const int32_t woven[2 * D_WIDTH])
{
    register const int16_t *row __asm__("r0") = D;
    register const int32_t *words __asm__("r1") = woven;
    register int32_t *sums __asm__("r2") = acc;
    register const int16_t *end __asm__("r3") = D + N_STATES * D_WIDTH;
    __asm__ volatile(".syntax unified\n\t"
                     "push    {r4-r7}\n\t"
                     "mov     r10, r1\n\t"
                     "mov     r11, r3\n\t"
                     "movs    r3, %[apart]\n\t"
                     "lsls    r3, r3, #4\n\t"
                     "mov     lr, r3\n\t"
                     "mov     r12, r2\n"
                     ".macro  two_words\n\t" /* r3, r4: of each column the sum of two products */
                     "ldmia   r1!, {r3-r6}\n\t"
                     "ldmia   r0!, {r2}\n\t"
                     "sxth    r7, r2\n\t"
                     "muls    r3, r7\n\t"
                     "muls    r4, r7\n\t"
                     "asrs    r2, #16\n\t"
                     "muls    r5, r2\n\t"
                     "muls    r6, r2\n\t"
                     "adds    r3, r5\n\t"
                     "adds    r4, r6\n\t"
                     ".endm\n"
                     "1:\n\t"
                     "two_words\n\t"
                     "mov     r8, r3\n\t"
                     "mov     r9, r4\n\t"
                     ".rept   %c[between]\n\t"
                     "two_words\n\t"
                     "add     r8, r3\n\t"
                     "add     r9, r4\n\t"
                     ".endr\n\t"
                     "two_words\n\t"
                     "add     r3, r8\n\t"
                     "add     r4, r9\n\t"
                     "mov     r1, r10\n\t"
                     "mov     r2, r12\n\t"
                     "mov     r5, lr\n\t"
                     "str     r4, [r2, r5]\n\t"
                     "stmia   r2!, {r3}\n\t"
                     "mov     r12, r2\n\t"
                     "cmp     r0, r11\n\t"
                     "beq     2f\n\t"
                     "b       1b\n"
                     "2:\n\t"
                     ".purgem two_words\n\t"
                     "pop     {r4-r7}"
                     : "+r"(row), "+r"(words), "+r"(sums), "+r"(end)
                     : [between] "i"(D_WIDTH / 2 - 2), [apart] "i"(ACC_APART / 4)
                     : "r8", "r9", "r10", "r11", "r12", "lr", "cc", "memory");
}
#endif

/* acc <- D J of `count` columns, one or two, that lie side by side; `columns`: the last component of the first */
RTRL_APART void pair_dot(rtrl_t *net, const j_word *columns, int count)
{
#ifdef __ARM_ARCH_6M__
    if (WRITTEN_OUT) {
        int32_t woven[2 * MOST];
        pair_weave(woven, columns, &columns[count == 2 ? N_STATES : 0]); /* one alone stands for both */
        pair_written_out(net->acc, net->D, woven);
        return;
    }
#endif
    const int16_t *D = net->D;
    for (int k = 0; k < N_STATES && count == 2; k++, D += D_WIDTH) {
        int32_t a = 0, b = 0;
#pragma GCC unroll 2
        for (int l = 0; l < N_UNITS; l++) {
            int32_t d = D[l];
            a = fx_mac(a, d, columns[l]);
            b = fx_mac(b, d, columns[N_STATES + l]);
            RTRL_IN_REGISTER(a);
            RTRL_IN_REGISTER(b);
        }
        net->acc[k] = a;
        net->acc[ACC_APART + k] = b;
    }
    if (count == 1) {
        for (int r = 0; r < N_STATES; r++) {
            net->acc[r] = 0;
        }
        dot_dynamics(net->acc, D, columns);
    }
}
