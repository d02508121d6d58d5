/* Products of two vectors of int16 words with one exponent, and how two of them become one:
 *     u_a x A_a + u_b x A_b  ~  (rho u_a + sign u_b) x (A_a / rho + sign A_b),    sign = -1 or 1 at random
 * whose mean over the signs is the sum, for any rho. rho is a half power of two: two shifts that cancel exactly,
 * and on both sides a factor 2^-1/2 where `odd` says so. */
enum {
    PAIR_E_MAX = 60,   /* a pair with a larger exponent is nothing beside the new one: it becomes zero */
    PAIR_E_EMPTY = 30, /* exponent of a pair of zeros */
    PAIR_TOP = 32767,
    ROOT_HALF = 23170, /* check: 2 * 23170**2 <= 2**30 < 2 * 23171**2 */
    NO_TERM = 127,     /* fraction bits of a term that is zero */
};

/* which side is shifted how: an exponent for u, one for A */
typedef struct {
    int u_shift;
    int a_shift;
    int odd;
    int sign;     /* of b; 0: there is no b */
    int exponent; /* of the sum, before its words are rounded */
} merge_t;

/* right shift that leaves 15 bits of the largest of the words whose magnitudes were ored */
RTRL_INLINE int pair_down(uint32_t bits)
{
    return fx_floor_log2(bits | 1) - 14;
}

/* symmetric, so that a pair and its negative round alike but for halves */
RTRL_INLINE int16_t pair_word(int32_t v, int down)
{
    int32_t w = fx_sat(fx_scale(v, down), PAIR_TOP);
    return (int16_t)(w < -PAIR_TOP ? -PAIR_TOP : w);
}

/* An exponent inside its window; smaller: |J| would pass the cap, so all of the pair is scaled down; larger: zero */
RTRL_INLINE int8_t pair_exponent(rtrl_t *net, int16_t *factor, int count, int exponent)
{
    if (exponent > PAIR_E_MAX) {
        memset(factor, 0, sizeof(int16_t) * (size_t)count);
        return PAIR_E_EMPTY;
    }
    if (exponent < PAIR_E_MIN) {
        net->capped++;
        return PAIR_E_MIN;
    }
    return (int8_t)exponent;
}

/* rho from sums of squares: rho^2 ~ |A_a| |u_b| / (|u_a| |A_b|); where one pair is zero, the other alone
 * (fx_log2_q3 counts eighths, of a square sixteenths of the norm's exponent) */
static merge_t pair_merge(int64_t u_a, int64_t a_a, int e_a, int64_t u_b, int64_t a_b, int e_b, int sign)
{
    if (u_a == 0 || a_a == 0) {
        merge_t b_alone = { 31, 31, 0, 1, e_b };
        return b_alone;
    }
    if (u_b == 0 || a_b == 0) {
        merge_t a_alone = { 0, 0, 0, 0, e_a };
        return a_alone;
    }
    int sixteenths = fx_log2_q3(u_a) + fx_log2_q3(a_b) - fx_log2_q3(a_a) - fx_log2_q3(u_b);
    int halves = (16 * (e_a - e_b) + sixteenths + 8) >> 4;
    int shift = halves >> 1, odd = halves & 1;
    merge_t both = { shift, e_a - e_b - shift - odd, odd, sign, e_b };
    return both;
}

/* One entry of a sum, 8 fraction bits more than its words; |.| <= 2^24 */
RTRL_INLINE int32_t pair_sum(const merge_t *m, int shift, int32_t a, int32_t b)
{
    int32_t left = m->odd ? fx_round_shift(fx_mul(a, ROOT_HALF), 7) : a * 256;
    int32_t right = b * 256;
    if (shift >= 0) {
        left = fx_round_shift(left, shift > 31 ? 31 : shift);
    } else {
        right = fx_round_shift(right, shift < -31 ? 31 : -shift);
    }
    return fx_mac(left, m->sign, right);
}

/* what the exponent gains by a sum that is rounded by `down` */
RTRL_INLINE int pair_gain(int shift, int down)
{
    return 8 + (shift < 0 ? shift : 0) - down;
}

RTRL_INLINE uint32_t pair_bits(const merge_t *m, int shift, const int16_t *a, const int16_t *b, int count)
{
    uint32_t bits = 0;
    for (int k = 0; k < count; k++) {
        bits |= (uint32_t)fx_abs(pair_sum(m, shift, a[k], b[k]));
    }
    return bits;
}

/* a <- the sum */
RTRL_INLINE void pair_store(const merge_t *m, int shift, int16_t *a, const int16_t *b, int count, int down)
{
    for (int k = 0; k < count; k++) {
        a[k] = pair_word(pair_sum(m, shift, a[k], b[k]), down);
    }
}

/* a <- the sum with all the bits it can have; what the exponent gains */
static int RTRL_UNUSED pair_join(const merge_t *m, int shift, int16_t *a, const int16_t *b, int count)
{
    int down = pair_down(pair_bits(m, shift, a, b, count));
    pair_store(m, shift, a, b, count, down);
    return pair_gain(shift, down);
}

/* a random sign from the highest bit of the generator */
RTRL_INLINE int pair_sign(rtrl_t *net)
{
    net->random = fx_random_next(net->random);
    return net->random >> 31 ? 1 : -1;
}

/* credit_row and the exponent of its term: c^T I without z. Sums are computed twice: stored, they would take twice
 * the memory. bound: |c^T I| < 2^30 */
static void immediate_credit(rtrl_t *net)
{
    enum { FIRST = N_STATES - N_SEEN };
    uint32_t bits = 0;
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            bits |= (uint32_t)fx_abs(project(net, gate, i, net->c, FIRST));
        }
    }
    int down = pair_down(bits);
    for (int gate = 0; gate < N_BLOCKS; gate++) {
        for (int i = 0; i < N_NEURONS; i++) {
            net->credit_row[gate * N_NEURONS + i] = pair_word(project(net, gate, i, net->c, FIRST), down);
        }
    }
    net->term_down[N_TERMS - 1] = (int8_t)(bits ? net->c_exp + COEF_FRAC + 15 - down : NO_TERM);
}

/* From each term's fraction bits to the shifts that give all of them the smallest, less what their sum may grow by:
 * the terms, products of two words, are below 2^30, and so is their sum; no gradient saturates */
static void gradient_align(rtrl_t *net)
{
    int least = NO_TERM;
    for (int t = 0; t < N_TERMS; t++) {
        least = net->term_down[t] < least ? net->term_down[t] : least;
    }
    net->g_exp = (int8_t)(least - HEADROOM);
    for (int t = 0; t < N_TERMS; t++) {
        int down = net->term_down[t] - net->g_exp;
        net->term_down[t] = (int8_t)(down > 31 ? 31 : down);
    }
}
