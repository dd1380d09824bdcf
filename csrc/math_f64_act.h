/* float64 activations. Their limits at minus infinity follow the products in trueno/ops.py: x f(x)
 * with f(-inf) = 0 is NaN there. */
#ifndef TRUENO_MATH_F64_ACT_H
#define TRUENO_MATH_F64_ACT_H

#include "math_bits.h"
#include "math_f64_erf.h"
#include "math_f64_exp.h"
#include "math_f64_log.h"

/* x g where g = (v.hi + v.lo) 2^n underflows before x g does (u as in t_scale): x meets the
 * significand first. n >= -1154 stands for any smaller one. */
T_INLINE double t_times_tiny(double x, t_dd v, uint64_t u, int vanishes) {
    double hi = vanishes ? 0 : v.hi, lo = vanishes ? 0 : v.lo;
    t_dd p = t_product(x, hi);
    return t_scale(p.hi + T_FMA(x, lo, p.lo), u);
}

/* x sigmoid(w + w_lo), from e = exp(-|w|) <= 1: (w >= 0 ? x : x e) / (1 + e). 0.5 ULP rounding
 * + 0.2. Beyond 40 it is x, below -40 x e. */
T_INLINE double t_gate_f64(double x, double w, double w_lo) {
    int negative = w < 0;
    double flip = negative ? 1 : -1;
    t_exponential p = t_exp_parts_f64(t_at_least(-800, flip * w), flip * w_lo);
    t_dd v = t_fast_sum(p.hi, p.lo), e = {t_scale(v.hi, p.u), t_scale(v.lo, p.u)};
    double tiny = t_times_tiny(x, v, p.u, w < -790);
    t_dd below = t_fast_sum(1, e.hi);
    below.lo += e.lo;
    t_dd above = t_product(x, e.hi);
    above.lo = T_FMA(x, e.lo, above.lo);
    above.hi = negative ? above.hi : x;
    above.lo = negative ? above.lo : 0;
    double r = t_quotient(above, below);
    r = w > 40 ? x : r;
    return t_copysign(w < -40 ? tiny : r, x);
}

T_INLINE double t_sigmoid_f64(double x) { return t_gate_f64(1, x, 0); }

T_INLINE double t_silu_f64(double x) { return t_gate_f64(x, x, 0); }

/* x sigmoid(x (A + B x^2)), A = 2 sqrt(2/pi), B = 0.044715 A: Hendrycks & Gimpel 2016. The
 * exponential's argument reaches 745, so it is formed in double-double arithmetic. */
T_INLINE double t_gelu_tanh_f64(double x) {
    double c = t_at_most(40, t_at_least(-40, x));
    t_dd z = t_product(c, c);
    t_dd b = t_product(z.hi, 0x1.2444f2a4d8b4bp-4);
    b.lo += T_FMA(z.lo, 0x1.2444f2a4d8b4bp-4, z.hi * -0x1.6c843a29d1c70p-61);
    t_dd s = t_sum(0x1.9884533d43651p+0, b.hi);
    s.lo += b.lo - 0x1.cbc0d30ebfd15p-54;
    t_dd w = t_product(c, s.hi);
    w.lo = T_FMA(c, s.lo, w.lo);
    return t_gate_f64(x, w.hi, w.lo);
}

/* gelu(x) = x erfc(-x / sqrt(2)) / 2 (Hendrycks & Gimpel 2016): x - T or -T with
 * T = |x| erfc(|x| / sqrt(2)) / 2; the square of the argument, x^2 / 2, is exact in two parts.
 * Below 0.7, x/2 (1 + erf(x / sqrt(2))) with the leading 1 + x sqrt(2/pi) as an unevaluated sum.
 * 0.5 ULP rounding + 0.5. */
T_INLINE double t_gelu_f64(double x) {
    double c = t_at_most(40, t_fabs(x)), half = 0.5 * x;
    t_dd a = t_product(c, 0x1.6a09e667f3bcdp-1);
    a.lo = T_FMA(c, -0x1.bdd3413b26456p-55, a.lo);
    double tail = t_erfc_tail_f64(0.5 * c, a, t_product(0.5 * c, c));
    t_dd lead = t_product(x, 0x1.9884533d43650p-1), one = t_fast_sum(1, lead.hi);
    double rest = T_FMA(x, 0x1.d03af5843d71fp-55, lead.lo);
    rest = T_FMA(0x1.6a09e667f3bcdp-1 * x, t_erf_tail_f64(half * x), rest);
    t_dd p = t_product(half, one.hi);
    double small = p.hi + T_FMA(half, one.lo + rest, p.lo);
    double r = c < 0.7 ? small : (x < 0 ? x - x : x) - tail;
    return t_copysign(r, x);
}

/* log(1 + exp(d + d_lo)), d <= 0: the logarithm's argument is in [1, 2], so that its reduction
 * is one comparison: f = e, or f = (1 + e) / 2 - 1 with its remainder. */
T_INLINE double t_log1p_exp_f64(double d, double d_lo) {
    double e = t_exp_sum_f64(t_at_least(-746, d), d_lo);
    int big = e > 0.4142;
    t_dd f = t_fast_sum(-0.5, 0.5 * e);
    return t_log_sum_f64(big ? 1 : 0, big ? f.hi : e, big ? f.lo : 0);
}

/* softplus(x) = max(x, 0) + log1p(exp(-|x|)): 0.5 ULP rounding + 0.9 (both functions). */
T_INLINE double t_softplus_f64(double x) {
    return (x > 0 ? x : 0) + t_log1p_exp_f64(-t_fabs(x), 0);
}

/* logaddexp(x, y) = max + log1p(exp(-|x - y|)), x - y as an unevaluated sum. Where the two terms
 * cancel (a result much smaller than the operands) the error is that of the terms: about 1 ULP of
 * the larger operand. */
T_INLINE double t_logaddexp_f64(double x, double y) {
    int less = x < y;
    double top = less ? y : x, bottom = less ? x : y;
    t_dd d = t_sum(bottom, -top);
    double d_lo = d.hi > -1000 ? d.lo : 0;
    double r = top + t_log1p_exp_f64(d.hi, d_lo);
    return x == y ? x + T_LN2_HI : r; /* where x - y may be inf - inf */
}

/* mish(x) = x tanh(log(1 + exp(x))) (Misra 2019). With g = exp(-|x|), the factor is
 * (1 + 2 g) / (1 + 2 g + 2 g^2) or, for x < 0, (2 g + g^2) / (2 + 2 g + g^2); for x < -40 it is g.
 * 0.5 ULP rounding + 0.5. */
T_INLINE double t_mish_f64(double x) {
    t_exponential p = t_exp_parts_f64(t_at_least(-800, -t_fabs(x)), 0);
    t_dd v = t_fast_sum(p.hi, p.lo), g = {t_scale(v.hi, p.u), t_scale(v.lo, p.u)};
    double tiny = t_times_tiny(x, v, p.u, x < -790);
    t_dd square = t_product(g.hi, g.hi);
    int negative = x < 0;
    /* 2 g + (1 or g^2), then the denominator adds 2 g^2 or 2 */
    t_dd sum = t_sum(2 * g.hi, negative ? square.hi : 1);
    sum.lo += T_FMA(2, g.lo, negative ? square.lo : 0);
    t_dd below = t_fast_sum(negative ? 2 : sum.hi, negative ? sum.hi : 2 * square.hi);
    below.lo += sum.lo;
    t_dd above = t_product(x, sum.hi);
    above.lo = T_FMA(x, sum.lo, above.lo);
    double r = t_quotient(above, below);
    r = x > 50 ? x : r;
    return t_copysign(x < -40 ? tiny : r, x);
}

/* selu(x) = scale (x or alpha expm1(x)) (Klambauer et al. 2017): expm1's error, the constant's
 * and the product's make 0.5 ULP rounding + 1.1. */
T_INLINE double t_selu_f64(double x) {
    double negative = 0x1.c212cc640f031p+0 * t_expm1_f64(x);
    return x > 0 ? 0x1.0cfabd6a91132p+0 * x : negative;
}

/* Two or three roundings each: at most 1.8 ULP. */
T_INLINE double t_hardsigmoid_f64(double x) {
    return (t_at_most(3, t_at_least(-3, x)) + 3) / 6;
}

T_INLINE double t_hardswish_f64(double x) { return x * t_hardsigmoid_f64(x); }

T_INLINE double t_softsign_f64(double x) { return x / (1 + t_fabs(x)); }

#endif
