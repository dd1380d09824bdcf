/* float64 activations. Their limits at minus infinity follow the products in trueno/ops.py: x f(x)
 * with f(-inf) = 0 is NaN there. */
#ifndef TRUENO_MATH_F64_ACT_H
#define TRUENO_MATH_F64_ACT_H

#include "math_bits.h"
#include "math_f64_erf.h"
#include "math_f64_exp.h"
#include "math_f64_log.h"

/* x sigmoid(w + w_lo), from e = exp(-|w|) <= 1: (w >= 0 ? x : x e) / (1 + e). 0.5 ULP rounding
 * + 0.2. For w < -40 it is x e, where x meets e before the scaling that may leave e subnormal. */
static inline double t_gate_f64(double x, double w, double w_lo) {
    int negative = w < 0;
    double flip = negative ? 1 : -1;
    t_exponential p = t_exp_parts_f64(t_at_least(-800, flip * w), flip * w_lo);
    t_dd v = t_fast_sum(p.hi, p.lo), e = {t_scale(v.hi, p.u), t_scale(v.lo, p.u)};
    double tiny = t_scale(x * (w < -790 ? 0 : v.hi), p.u);
    t_dd below = t_fast_sum(1, e.hi);
    below.lo += e.lo;
    t_dd above = t_product(x, e.hi);
    above.lo = T_FMA(x, e.lo, above.lo);
    above.hi = negative ? above.hi : x;
    above.lo = negative ? above.lo : 0;
    double r = t_quotient(above, below);
    return w < -40 ? tiny : r;
}

static inline double t_sigmoid_f64(double x) { return t_gate_f64(1, x, 0); }

static inline double t_silu_f64(double x) { return t_gate_f64(x, x, 0); }

/* x sigmoid(x (A + B x^2)), A = 2 sqrt(2/pi), B = 0.044715 A: Hendrycks & Gimpel 2016. The argument
 * of the exponential reaches 745, so it is formed in double-double arithmetic. */
static inline double t_gelu_tanh_f64(double x) {
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

/* gelu(x) = x erfc(-x / sqrt(2)) / 2 (Hendrycks & Gimpel 2016): with T = |x| erfc(|x| / sqrt(2)) / 2
 * it is x - T or -T. The square of the argument, x^2 / 2, is exact in two parts. */
static inline double t_gelu_f64(double x) {
    double c = t_at_most(40, t_fabs(x));
    t_dd a = t_product(c, 0x1.6a09e667f3bcdp-1);
    a.lo = T_FMA(c, -0x1.bdd3413b26456p-55, a.lo);
    double tail = t_erfc_tail_f64(0.5 * c, a, t_product(0.5 * c, c));
    return t_copysign((x < 0 ? x - x : x) - tail, x);
}

/* softplus(x) = max(x, 0) + log1p(exp(-|x|)): 0.5 ULP rounding + 1. */
static inline double t_softplus_f64(double x) {
    double e = t_exp_sum_f64(t_at_least(-746, -t_fabs(x)), 0);
    return (x > 0 ? x : 0) + t_log1p_f64(e);
}

/* logaddexp(x, y) = max + log1p(exp(-|x - y|)). Where the two parts cancel, the error is that of
 * the parts: about 1 ULP of max(|x|, |y|). */
static inline double t_logaddexp_f64(double x, double y) {
    double top = x > y ? x : y, d = -t_fabs(x - y);
    double r = top + t_log1p_f64(t_exp_sum_f64(t_at_least(-746, d), 0));
    r = x == y ? x + T_LN2_HI : r; /* where x - y may be inf - inf */
    return (x != x) | (y != y) ? x + y : r;
}

/* mish(x) = x tanh(log(1 + exp(x))) (Misra 2019). With g = exp(-|x|), the factor is
 * (1 + 2 g) / (1 + 2 g + 2 g^2) or, for x < 0, (2 g + g^2) / (2 + 2 g + g^2); for x < -40 it is g,
 * and x meets g before the scaling that may leave it subnormal. 0.5 ULP rounding + 0.2. */
static inline double t_mish_f64(double x) {
    t_exponential p = t_exp_parts_f64(t_at_least(-800, -t_fabs(x)), 0);
    t_dd v = t_fast_sum(p.hi, p.lo), g = {t_scale(v.hi, p.u), t_scale(v.lo, p.u)};
    double tiny = t_scale(x * (x < -790 ? 0 : v.hi), p.u);
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
    return x < -40 ? tiny : r;
}

/* selu(x) = scale (x or alpha expm1(x)) (Klambauer et al. 2017). */
static inline double t_selu_f64(double x) {
    double negative = 0x1.c212cc640f031p+0 * t_expm1_f64(x);
    return x > 0 ? 0x1.0cfabd6a91132p+0 * x : negative;
}

static inline double t_hardsigmoid_f64(double x) {
    return (t_at_most(3, t_at_least(-3, x)) + 3) / 6;
}

static inline double t_hardswish_f64(double x) { return x * t_hardsigmoid_f64(x); }

static inline double t_softsign_f64(double x) { return x / (1 + t_fabs(x)); }

#endif
