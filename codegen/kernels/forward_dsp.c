/* forward_c.c for the Arm DSP extension. Four rows at a time are summed in 32 bits: SMLAD sets the core's Q flag where a sum
 * leaves them, and then, which weights of usual size never do, the four are summed once more in 64 */

/* sums[0..3] = four rows a, `apart` bytes from each other, times b. Not 0 where a sum left 32 bits on the way: then SMLAD
 * sets the core's Q flag.
 * All rows begin alike, at a multiple of 4 or two bytes behind one: from there on LDRD takes four words of a row. */
#ifdef __ARM_FEATURE_DSP
/* r1, r4, r5, r6: rows   r2: b   r3: count   r7 to r10: sums   r11, lr: four words of a row   r0, r12: of b */
#define DSP_ROWS(ROW) ROW("r1", "r7") ROW("r4", "r8") ROW("r5", "r9") ROW("r6", "r10")
#define DSP_ROW_1(row, sum) "ldrsh r11, [" row "], #2\n smlabb " sum ", r11, r0, " sum "\n"
#define DSP_ROW_2(row, sum) "ldr r11, [" row "], #4\n smlad " sum ", r11, r0, " sum "\n"
#define DSP_ROW_4(row, sum) \
    "ldrd r11, lr, [" row "], #8\n smlad " sum ", r11, r0, " sum "\n smlad " sum ", lr, r12, " sum "\n"
#define DSP_1 "ldrsh r0, [r2], #2\n" DSP_ROWS(DSP_ROW_1)
#define DSP_2 "ldr r0, [r2], #4\n" DSP_ROWS(DSP_ROW_2)
#define DSP_4 "ldr r12, [r2, #4]\n ldr r0, [r2], #8\n" DSP_ROWS(DSP_ROW_4)
#define DSP_4_ALIGNED "ldrd r0, r12, [r2], #8\n" DSP_ROWS(DSP_ROW_4)
static __attribute__((noinline)) RTRL_UNUSED uint32_t dsp_four_dots(int32_t *sums, const int16_t *a, const int16_t *b,
                                                                    int count, int apart)
{
    enum { Q_FLAG = 134217728 }; /* of APSR; check: 134217728 == 2**27 */
    register int32_t *to __asm__("r0") = sums;
    register const int16_t *rows __asm__("r1") = a, *vector __asm__("r2") = b;
    register int left __asm__("r3") = count;
    register int step __asm__("r12") = apart;
    __asm__ volatile("push {r0, r7}\n" /* r7 by hand: without optimisation gcc needs it */
                     "add r4, r1, r12\n"
                     "add r5, r4, r12\n"
                     "add r6, r5, r12\n"
                     "movs r7, #0\n"
                     "mov r8, r7\n"
                     "mov r9, r7\n"
                     "mov r10, r7\n"
                     "msr APSR_nzcvq, r7\n" /* Q off */
                     "tst r1, #2\n"
                     "beq 1f\n"
                     DSP_1 /* to a multiple of 4 */
                     "subs r3, #1\n"
                     "1: subs r3, #8\n"
                     "blt 4f\n"
                     "tst r2, #2\n"
                     "beq 3f\n"
                     "2:\n" /* by eight */
                     DSP_4
                     DSP_4
                     "subs r3, #8\n"
                     "bge 2b\n"
                     "b 4f\n"
                     "3:\n" /* by eight, b at a multiple of 4 too */
                     DSP_4_ALIGNED
                     DSP_4_ALIGNED
                     "subs r3, #8\n"
                     "bge 3b\n"
                     "4: tst r3, #4\n" /* the rest: count - 8, whose last three bits are those of count */
                     "beq 5f\n"
                     DSP_4
                     "5: tst r3, #2\n"
                     "beq 6f\n"
                     DSP_2
                     "6: tst r3, #1\n"
                     "beq 7f\n"
                     DSP_1
                     "7: mrs r3, APSR\n"
                     "pop {r0}\n"
                     "stmia r0, {r7-r10}\n"
                     "pop {r7}\n"
                     : "+r"(to), "+r"(rows), "+r"(vector), "+r"(left), "+r"(step)
                     :
                     : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "lr", "cc", "memory");
    return (uint32_t)left & Q_FLAG;
}
#else
RTRL_INLINE uint32_t dsp_four_dots(int32_t *sums, const int16_t *a, const int16_t *b, int count, int apart)
{
    uint32_t left = 0;
    for (int k = 0; k < 4; k++) {
        int64_t sum = 0;
        for (int i = 0; i < count; i++) {
            sum = fx_mac64(sum, a[k * apart / 2 + i], b[i]);
        }
        sums[k] = (int32_t)sum;
        left |= sum != sums[k];
    }
    return left;
}
#endif

RTRL_INLINE int32_t fx_dot32(const int16_t *a, const int16_t *b, int count)
{
    return fx_sat32(fx_dot64(a, b, count));
}

static RTRL_UNUSED void fx_four_dots_exact(int32_t sums[4], const int16_t *a, int apart, const int16_t *b, int count)
{
    for (int k = 0; k < 4; k++) {
        sums[k] = fx_dot32(&a[k * apart], b, count);
    }
}

RTRL_INLINE void fx_four_dots32(int32_t sums[4], const int16_t *a, int apart, const int16_t *b, int count)
{
    if (apart % 2 != 0 || dsp_four_dots(sums, a, b, count, 2 * apart)) {
        fx_four_dots_exact(sums, a, apart, b, count);
    }
}

/* where row r begins, and, of rows that are taken by four, those of its group */
RTRL_INLINE int fx_group_at(int r, int width)
{
    return r * width;
}

/* Rows are taken by four, a quarter of them apart, and an even number of words: so that all four begin alike */
RTRL_INLINE int fx_quarter(int rows, int width)
{
    return width % 2 == 0 ? rows / 4 : rows / 8 * 2;
}

/* words that so many rows take */
RTRL_INLINE int fx_rows_words(int rows, int width)
{
    return rows * width;
}
