/* float64 error function. */
#ifndef TRUENO_MATH_F64_ERF_H
#define TRUENO_MATH_F64_ERF_H

#include "math_bits.h"
#include "math_f64_exp.h"

#define T_2_SQRT_PI_HI 0x1.20dd750429b6dp+0
#define T_2_SQRT_PI_LO 0x1.1ae3a914fed80p-56

/* erf(x) / x - T_2_SQRT_PI_HI, |x| <= 1, z = x^2. */
T_INLINE double t_erf_tail_f64(double z) {
    double p = T_P11(z, -0x1.812746b0379cbp-2, 0x1.ce2f21a0412fep-4, -0x1.b82ce3120c6ccp-6,
                     0x1.565bccfb07963p-8, -0x1.c02db07a60100p-11, 0x1.f9a2bf9817400p-14,
                     -0x1.f4ca90e227c51p-17, 0x1.b9822ce96b51ap-20, -0x1.5c144a30f3c27p-23,
                     0x1.d76edf62847f1p-27, -0x1.ac96cc6416332p-31); /* -56.8 */
    return T_FMA(z, p, T_2_SQRT_PI_LO);
}

/* erf(x) for |x| <= 1: 0.5 ULP rounding + 0.6 near 1, where the tail is a third of the result. */
T_INLINE double t_erf_small_f64(double x) {
    return T_FMA(x, T_2_SQRT_PI_HI, x * t_erf_tail_f64(x * x));
}

/* erf(x). For 1 <= x <= 5.95, 1 - exp(-Q(x)) with Q fitted to -log(erfc(x)) under the weight
 * erfc(x) / erf(x), so that only the absolute error of erfc counts; beyond, 1. Q <= 38 is rounded
 * to 2^-52 where exp(-Q) = 0.16: 0.5 ULP rounding + 0.6. */
T_INLINE double t_erf_f64(double x) {
    double a = t_fabs(x), c = t_at_most(5.95, a);
    double q = T_P19(c, 0x1.81c722f994ac0p-23, 0x1.20dd562dc5ac4p+0, 0x1.45f42b6092bbcp-1,
                     0x1.a4da4c9851601p-4, -0x1.38938d815fa8dp-6, -0x1.2620482bad949p-12,
                     0x1.cfbc90a2d14f6p-10, -0x1.502a764c8e964p-11, 0x1.781358e48bf5fp-15,
                     0x1.271de2c145acap-14, -0x1.79c7c3d5f23adp-15, 0x1.150afbe6c0e27p-16,
                     -0x1.225da1d5289cdp-18, 0x1.c89e591b4e81ep-21, -0x1.0dedf417229c4p-23,
                     0x1.d42bf4dc67294p-27, -0x1.19eabd215fa6cp-30, 0x1.a5d25721f53dep-35,
                     -0x1.2768d16679b8cp-40); /* -56.9 */
    double big = t_copysign(1 - t_exp_part_f64(-q), x);
    return a < 1 ? t_erf_small_f64(x) : big;
}

/* factor * erfc(a) for 1/2 <= a <= 29, given a^2 as an unevaluated sum. erfc(a) =
 * exp(-a^2) P(t) / (1 + 2 a), t = (a - 4) / (a + 4): the form of Shepherd & Laframboise,
 * "Chebyshev approximation of (1 + 2x) exp(x^2) erfc x", Math. Comp. 36 (1981), here minimax.
 * 0.5 ULP rounding + 0.4. */
T_INLINE double t_erfc_tail_f64(double factor, t_dd a, t_dd square) {
    double t = (a.hi - 4) / (a.hi + 4);
    double q = T_P22(t, -0x1.1df1ad154a29cp-3, 0x1.f7f5df66fd71fp-7, 0x1.16ecefcfa6043p-4,
                     -0x1.9ddb23c3e8a4fp-4, 0x1.7fee004df6ac5p-4, -0x1.0fb06dfe58c90p-4,
                     0x1.3079edf9f9aeap-5, -0x1.0962388077b18p-6, 0x1.49c67191a6d34p-8,
                     -0x1.8d4a9feecd60bp-11, -0x1.a1de83ce18a68p-13, 0x1.3be0d2dc4abf4p-13,
                     -0x1.9969d62a71fb3p-16, -0x1.78a872942558dp-17, 0x1.7fae640bf7566p-18,
                     0x1.443932ee23827p-22, -0x1.bfe12c9a2503bp-21, 0x1.0bf53f8fe0fadp-24,
                     0x1.ec099b14f09a9p-24, -0x1.0b46a3be5dd3dp-27, -0x1.cbf2a0309960bp-27,
                     -0x1.d8239d6c7edb1p-30); /* -56 */
    t_dd p = t_fast_sum(0x1.3ba5916e9fd7fp+0, T_FMA(t, q, -0x1.a32d304db13f2p-55));
    t_dd fp = t_product(factor, p.hi);
    fp.lo = T_FMA(factor, p.lo, fp.lo);
    t_exponential e = t_exp_parts_f64(-square.hi, -square.lo);
    t_dd v = t_fast_sum(e.hi, e.lo);
    t_dd above = t_product(v.hi, fp.hi);
    above.lo += T_FMA(v.lo, fp.hi, v.hi * fp.lo);
    t_dd below = t_sum(1, 2 * a.hi);
    below.lo = T_FMA(2, a.lo, below.lo);
    return t_scale(t_quotient(above, below), e.u);
}

/* erfc(x): 2 - erfc(-x) for negative x, 1 - erf(x) below 1/2 with the leading 1 - x 2/sqrt(pi) as
 * an unevaluated sum. */
T_INLINE double t_erfc_f64(double x) {
    t_dd a = {t_at_most(28, t_fabs(x)), 0};
    double tail = t_erfc_tail_f64(1, a, t_product(a.hi, a.hi));
    t_dd lead = t_product(x, T_2_SQRT_PI_HI), head = t_fast_sum(1, -lead.hi);
    double rest = T_FMA(x, t_erf_tail_f64(x * x), lead.lo);
    double small = head.hi + (head.lo - rest);
    return a.hi < 0.5 ? small : x < 0 ? 2 - tail : tail;
}

#endif
