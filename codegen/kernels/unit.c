/* What all columns of one unit share: its linear form and its credit. */
typedef struct {
    int16_t coef[N_BLOCKS * N_COMPONENTS];     /* [gate][component], COEF_FRAC fraction bits */
    int16_t keep[N_COMPONENTS * N_COMPONENTS]; /* [component][of component] * 2^-exp */
    int16_t c[N_COMPONENTS];                   /* * 2^-c_exp; 0 of components that the readout does not see */
    uint32_t rows[N_COMPONENTS];               /* rows of keep as unit_column multiplies them ... */
    uint32_t credit;                           /* ... and c */
    int exp;                                   /* unit_exp of the cell */
    int c_exp;
    bool learn;
} unit_t;

/* how many bits finer than the coefficients `keep` is; exp <= 15 */
RTRL_INLINE int unit_finer(int exp)
{
    return COEF_FRAC < 15 && exp > COEF_FRAC ? exp - COEF_FRAC : 0;
}
