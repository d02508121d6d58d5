/* column <- acc * 2^-down, saturated. Returns c^T J of the last `seen` words */
RTRL_INLINE int32_t column_any(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t credit = 0;
    for (int k = 0; k < count; k++) {
        column[k] = (j_word)fx_sat(fx_scale(acc[k], down), J_MAX);
        credit = k < count - seen ? credit : fx_mac(credit, c[k - (count - seen)], column[k]);
    }
    return credit;
}

/* the same for nearly all columns: no sum has a higher bit than the highest of a word, so rounding alone takes a word
 * beyond J_MAX, and none is below -J_MAX - 1; and no sum fills 31 bits, so what rounds it does not overflow */
RTRL_INLINE bool column_is_usual(int down)
{
    return (uint32_t)(down - 1) < 31 - J_BITS;
}

RTRL_INLINE int32_t column_word(j_word *to, int32_t sum, int down)
{
    int32_t word = fx_add(sum, 1 << (down - 1)) >> down;
#ifdef __ARM_FEATURE_SAT
    __asm__("ssat %0, %1, %0" : "+r"(word) : "i"(J_BITS));
#else
    word = RTRL_RARELY(word > J_MAX) ? J_MAX : word;
#endif
    *to = (j_word)word;
    return word;
}

RTRL_INLINE int32_t column_usual(j_word *column, const int32_t *acc, int count, int down, const int16_t *c, int seen)
{
    int32_t credit = 0;
    int apart = count - seen, fours = seen / 4 * 4;
    for (int k = 0; k < apart; k++) {
        (void)column_word(&column[k], acc[k], down);
    }
    column += apart;
    acc += apart;
    for (int k = 0; k < fours; k += 4, acc += 4, column += 4, c += 4) {
#pragma GCC unroll 4
        for (int i = 0; i < 4; i++) {
            credit = fx_mac(credit, c[i], column_word(&column[i], acc[i], down));
        }
    }
    for (int k = 0; k < seen - fours; k++) {
        credit = fx_mac(credit, c[k], column_word(&column[k], acc[k], down));
    }
    return credit;
}

/* column p, of count words <- acc * 2^-frac, whose bits are `bits` (column_bits), with the exponent that uses J_BITS - 1
 * bits; larger than the cap: saturate, and say so. Returns c^T J of the last `seen` words: sum |c| |J| < 2^30 */
RTRL_INLINE int32_t column_store(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac, uint32_t bits,
                                 const int16_t *c, int seen)
{
    int exponent = E_MAX, down = frac - E_MAX;
    if (RTRL_RARELY(!column_is_usual(down) || bits >> (J_BITS - 1) >> down != 0)) { /* most columns stay at E_MAX */
        exponent = frac - (fx_floor_log2(bits) - (J_BITS - 2));
        exponent = exponent > E_MAX ? E_MAX : exponent;
        down = frac - exponent;
    }
    if (RTRL_RARELY(exponent < E_MIN)) {
        net->capped++;
        net->E[p] = E_MIN;
        return column_any(column, acc, count, frac - E_MIN, c, seen);
    }
    net->E[p] = (int8_t)exponent;
    return column_is_usual(down) ? column_usual(column, acc, count, down, c, seen)
                                 : column_any(column, acc, count, down, c, seen);
}

/* what a pass over a column finds */
typedef struct {
    uint32_t bits; /* column_bits, or 0 of zeroes */
    uint32_t credit;
} column_found;

RTRL_INLINE int32_t column_pass_word(column_found *found, j_word *to, int32_t sum, int down)
{
    int32_t word = (int32_t)((uint32_t)sum + (1U << (down - 1))) >> down;
    found->bits |= fx_magnitude(sum);
    RTRL_IN_REGISTER(found->bits);
    *to = (j_word)word;
    return word;
}

#ifdef __ARM_ARCH_6M__
/* the last words of a column, int16 and an even count: 22 instructions for two. Of C gcc 12 keeps half in memory
 * c: at a multiple of 4, as whatever is a whole number of 32-bit words in the struct */
RTRL_INLINE column_found column_pass_pairs(j_word *column, const int32_t *acc, int down, const int16_t *c, int seen)
{
    register j_word *to __asm__("r0") = column;
    register const int32_t *sums __asm__("r1") = acc;
    register uintptr_t credit __asm__("r2") = (uintptr_t)c;
    register uint32_t bits __asm__("r3") = (uint32_t)down;
    register const int32_t *end __asm__("r12") = acc + seen;
    __asm__ volatile(".syntax unified\n\t"
                     "push    {r4-r7}\n\t"
                     "movs    r4, #1\n\t"
                     "subs    r5, r3, #1\n\t"
                     "lsls    r4, r5\n\t"
                     "mov     r8, r4\n\t"
                     "movs    r4, #0\n\t"
                     "mov     r9, r4\n"
                     "1:\n\t"
                     ".rept   %c[pairs]\n\t"
                     "ldmia   r2!, {r7}\n\t"
                     ".irp    word, 0, 1\n\t"
                     "ldmia   r1!, {r5}\n\t"
                     "asrs    r6, r5, #31\n\t"
                     "eors    r6, r5\n\t"
                     "orrs    r4, r6\n\t"
                     "add     r5, r8\n\t"
                     "asrs    r5, r3\n\t"
                     "strh    r5, [r0, #2 * \\word]\n\t"
                     ".if     \\word\n\t"
                     "asrs    r6, r7, #16\n\t"
                     ".else\n\t"
                     "sxth    r6, r7\n\t"
                     ".endif\n\t"
                     "muls    r5, r6\n\t"
                     "add     r9, r5\n\t"
                     ".endr\n\t"
                     "adds    r0, #4\n\t"
                     ".endr\n\t"
                     "cmp     r1, r12\n\t"
                     "bne     1b\n\t"
                     "mov     r2, r9\n\t"
                     "mov     r3, r4\n\t"
                     "pop     {r4-r7}"
                     : "+l"(to), "+l"(sums), "+l"(credit), "+l"(bits), "+h"(end)
                     : [pairs] "i"(N_SEEN % 4 == 0 ? 2 : 1)
                     : "r8", "r9", "cc", "memory");
    return (column_found){ bits, (uint32_t)credit };
}
#endif

/* column_usual of sums whose bits nobody has looked at yet: in one pass they are looked at, rounded, stored and
 * multiplied. Unsigned, since sums of too many bits wrap; those bits tell that the column must be stored again
 * down: column_is_usual */
RTRL_INLINE column_found column_pass(j_word *column, const int32_t *acc, int count, int down, const int16_t *c,
                                     int seen)
{
    column_found found = { 0, 0 };
    const int apart = count - seen, at_once = seen % 8 == 0 ? 8 : 4, most = seen / at_once * at_once;
    for (int k = 0; k < apart; k++) {
        (void)column_pass_word(&found, &column[k], acc[k], down);
    }
    column += apart;
    acc += apart;
#ifdef __ARM_ARCH_6M__
    if (seen > 0 && seen % 2 == 0) {
        column_found pairs = column_pass_pairs(column, acc, down, c, seen);
        pairs.bits |= found.bits;
        return pairs;
    }
#endif
    for (int k = 0; k < most; k += at_once, acc += at_once, column += at_once, c += at_once) {
#pragma GCC unroll 8
        for (int i = 0; i < at_once; i++) {
            found.credit += (uint32_t)c[i] * (uint32_t)column_pass_word(&found, &column[i], acc[i], down);
            RTRL_IN_REGISTER(found.credit);
        }
    }
    for (int k = 0; k < seen - most; k++) {
        found.credit += (uint32_t)c[k] * (uint32_t)column_pass_word(&found, &column[k], acc[k], down);
    }
    return found;
}

/* column_store of sums whose bits nobody has looked at yet. A column that was at E_MAX most likely stays there; where
 * J has bytes few columns are, and most of them have all bits that rounding could take beyond J_MAX */
RTRL_INLINE int32_t column_put(rtrl_t *net, int p, j_word *column, const int32_t *acc, int count, int frac,
                               const int16_t *c, int seen)
{
    int down = frac - E_MAX;
    uint32_t bits;
    if (J_BITS == 16 && !RTRL_RARELY(net->E[p] != E_MAX) && column_is_usual(down)) {
        column_found found = column_pass(column, acc, count, down, c, seen);
        bits = found.bits;
        if (!RTRL_RARELY(bits >> (down - 1) >= 2 * J_MAX + 1)) { /* no sum is 2^down (J_MAX + 1/2) or more */
            return (int32_t)found.credit;
        }
    } else {
        bits = column_bits(acc, count);
    }
    return column_store(net, p, column, acc, count, frac, bits, c, seen);
}
