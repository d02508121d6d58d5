/* forward_dsp.c for a cell that does not learn: its weights, constants, lie in the order in which they are read. Of four
 * rows that are summed together two words each come first, then the next two, up to WOVEN_ROW entries, with zeros
 * behind an odd last one: one LDM loads what four SMLAD need. Rows that are left over follow as they are */
enum { WOVEN_PAIRS = (WOVEN_ROW + 1) / 2, WOVEN_FOURS = (WOVEN_PAIRS - 1) / 2 };
_Static_assert(offsetof(rtrl_t, z) % 4 == 0, "z is read by 32-bit words");

RTRL_INLINE int32_t fx_dot32(const int16_t *a, const int16_t *b, int count)
{
    return fx_sat32(fx_dot64(a, b, count));
}

/* sums of four woven rows times b */
RTRL_APART RTRL_UNUSED dsp_sums woven_exact(const int16_t *rows, const int16_t *b)
{
    int32_t sums[4];
    for (int k = 0; k < 4; k++) {
        int64_t sum = 0;
        for (int i = 0; i < WOVEN_ROW; i++) {
            sum = fx_mac64(sum, rows[i / 2 * 8 + 2 * k + i % 2], b[i]);
        }
        sums[k] = fx_sat32(sum);
    }
    return (dsp_sums){ sums[0], sums[1], sums[2], sums[3] };
}

/* The same. SMLAD sets the core's Q flag where a sum leaves 32 bits, and then, which weights of usual size never do,
 * the four are summed once more in 64. rows and b begin at multiples of 4; the word of b behind an odd row is times 0 */
RTRL_INLINE dsp_sums woven_dots(const int16_t *rows, const int16_t *b)
{
#ifdef __ARM_FEATURE_DSP
#define WOVEN_2(op, z, a, b, c, d) \
    "ldm %[rows]!, {r4, r5, r6, r8}\n" \
    op " %[a], r4, " z a op " %[b], r5, " z b op " %[c], r6, " z c op " %[d], r8, " z d
#define WOVEN_MORE(z) WOVEN_2("smlad", z, ", %[a]\n", ", %[b]\n", ", %[c]\n", ", %[d]\n")
#define WOVEN_4 "ldrd %[z], %[y], [%[v]], #8\n" WOVEN_MORE("%[z]") WOVEN_MORE("%[y]")
    enum { Q_FLAG = 134217728, ROUNDS = WOVEN_FOURS / 4 }; /* of APSR; check: 134217728 == 2**27 */
    const int16_t *at = rows, *v = b;
    int32_t y, z;
    uint32_t flags;
    dsp_sums sum;
    __asm__ volatile("movs %[z], #0\n"
                     "msr APSR_nzcvq, %[z]\n" /* Q off */
                     "ldr %[z], [%[v]], #4\n"
                     WOVEN_2("smuad", "%[z]", "\n", "\n", "\n", "\n")
                     ".if %c[pairs] %% 2 == 0\n"
                     "ldr %[z], [%[v]], #4\n"
                     WOVEN_MORE("%[z]")
                     ".endif\n"
                     ".if %c[fours] & 1\n"
                     WOVEN_4
                     ".endif\n"
                     ".if %c[fours] & 2\n"
                     WOVEN_4
                     WOVEN_4
                     ".endif\n"
                     ".if %c[rounds]\n"
                     "add %[end], %[v], #32 * %c[rounds]\n"
                     "1:\n"
                     WOVEN_4
                     WOVEN_4
                     WOVEN_4
                     WOVEN_4
                     ".if %c[rounds] > 1\n"
                     "cmp %[v], %[end]\n"
                     "bne 1b\n"
                     ".endif\n"
                     ".endif\n"
                     "mrs %[end], APSR\n"
                     : [rows] "+r"(at), [v] "+r"(v), [a] "=&r"(sum.a), [b] "=&r"(sum.b), [c] "=&r"(sum.c),
                       [d] "=&r"(sum.d), [y] "=&r"(y), [z] "=&r"(z), [end] "=&r"(flags)
                     : [pairs] "i"(WOVEN_PAIRS), [fours] "i"(WOVEN_FOURS), [rounds] "i"(ROUNDS)
                     : "r4", "r5", "r6", "r8", "cc", "memory");
    return flags & Q_FLAG ? woven_exact(rows, b) : sum;
#else
    return woven_exact(rows, b);
#endif
}

RTRL_INLINE void fx_four_dots32(int32_t sums[4], const int16_t *a, int apart, const int16_t *b, int count)
{
    (void)apart;
    (void)count;
    dsp_sums sum = woven_dots(a, b);
    sums[0] = sum.a;
    sums[1] = sum.b;
    sums[2] = sum.c;
    sums[3] = sum.d;
}

RTRL_INLINE int fx_group_at(int r, int width)
{
    (void)width;
    return r * 8 * WOVEN_PAIRS;
}

RTRL_INLINE int fx_quarter(int rows, int width)
{
    (void)width;
    return rows / 4;
}

/* words that so many rows take */
RTRL_INLINE int fx_rows_words(int rows, int width)
{
    return rows / 4 * 8 * WOVEN_PAIRS + rows % 4 * width;
}
