/* float64 exponentials and the hyperbolic functions: exp exp2 expm1 sinh cosh tanh.
 *
 * Reduction of Cody & Waite (Software Manual for the Elementary Functions, 1980): x = n ln 2 + r,
 * |r| <= ln 2 / 2. T_LN2_HI holds 53 bits, yet fma(-n, T_LN2_HI, x) is exact, because the
 * difference is a multiple of 2^-54 below 1/2.
 */
#ifndef TRUENO_MATH_F64_EXP_H
#define TRUENO_MATH_F64_EXP_H

#include "math_bits.h"

/* (exp(r) - 1 - r) / r^2 for |r| <= ln 2 / 2, relative to exp(r). */
T_INLINE double t_exp_tail_f64(double r) {
    return T_P10(r, 0x1.0000000000009p-1, 0x1.5555555555558p-3, 0x1.55555555503a0p-5,
                 0x1.111111110f7efp-7, 0x1.6c16c18611db9p-10, 0x1.a01a01b015fc1p-13,
                 0x1.a019938664e2bp-16, 0x1.71ddf69834cdap-19, 0x1.28b43b4f111dbp-22,
                 0x1.af635f16ead2dp-26); /* -57 */
}

/* exp(x + x_lo) = (hi + lo) 2^n, -746 <= x <= 710, |x_lo| < 2^-40, with relative error 2^-56; the
 * low bits of u are those of n. The exact 1 + r comes first, and the small terms after it. */
typedef struct {
    double hi, lo;
    uint64_t u;
} t_exponential;

T_INLINE t_exponential t_exp_parts_f64(double x, double x_lo) {
    double n = T_FMA(x, T_LOG2E, T_ROUND);
    t_exponential p;
    p.u = t_bits(n);
    n -= T_ROUND;
    double head = T_FMA(-n, T_LN2_HI, x), low = T_FMA(-n, T_LN2_LO, x_lo);
    double r = head + low;
    t_dd one = t_fast_sum(1, head);
    p.hi = one.hi;
    p.lo = one.lo + T_FMA(r * r, t_exp_tail_f64(r), low);
    return p;
}

/* The value: 0.5 ULP rounding + 0.1, and 0.25 more where it is subnormal. */
T_INLINE double t_exp_sum_f64(double x, double x_lo) {
    t_exponential p = t_exp_parts_f64(x, x_lo);
    return t_scale(p.hi + p.lo, p.u);
}

/* exp(x), |x| < 708 or NaN: 0.5 ULP rounding + 1, for smaller parts of results. */
T_INLINE double t_exp_part_f64(double x) {
    double n = T_FMA(x, T_LOG2E, T_EXPONENT_ROUND);
    double s = t_power_of_two(t_bits(n));
    n -= T_EXPONENT_ROUND;
    double r = T_FMA(-n, T_LN2_LO, T_FMA(-n, T_LN2_HI, x));
    return T_FMA(s, T_FMA(r * r, t_exp_tail_f64(r), r), s);
}

/* exp(x) where it is a normal number. */
T_INLINE double t_exp_near_f64(double x) {
    t_exponential p = t_exp_parts_f64(x, 0);
    return t_scale_normal(p.hi + p.lo, p.u);
}
T_INLINE int64_t t_exp_is_near_f64(double x) { return t_within_f64(x, 708); }

T_INLINE double t_exp_f64(double x) {
    return t_exp_sum_f64(t_at_most(710, t_at_least(-746, x)), 0);
}

/* exp2(x + x_lo) 2^-n, x = n + r, with the bits of n + T_ROUND: 0.5 ULP rounding + 0.3 after the
 * scaling; exact at integers, where r = 0. */
typedef struct {
    double p;
    uint64_t u;
} t_power;

T_INLINE t_power t_exp2_parts_f64(double x, double x_lo) {
    double n = x + T_ROUND;
    double r = x - (n - T_ROUND) + x_lo;
    double q = T_P11(r, 0x1.62e42fefa39efp-1, 0x1.ebfbdff82c5abp-3, 0x1.c6b08d704a225p-5,
                     0x1.3b2ab6fb9ef54p-7, 0x1.5d87fe785cca2p-10, 0x1.4309131272258p-13,
                     0x1.ffcbfdd60e636p-17, 0x1.62bfbe8996375p-20, 0x1.b521e0b19d123p-24,
                     0x1.e62af209c78b3p-28, 0x1.eea238406d031p-32); /* -57.5 */
    t_power power = {T_FMA(r, q, 1), t_bits(n)};
    return power;
}

/* -1076 <= x <= 1025. */
T_INLINE double t_exp2_sum_f64(double x, double x_lo) {
    t_power power = t_exp2_parts_f64(x, x_lo);
    return t_scale(power.p, power.u);
}

/* exp2(x + x_lo) where it is a normal number. */
T_INLINE double t_exp2_normal_f64(double x, double x_lo) {
    t_power power = t_exp2_parts_f64(x, x_lo);
    return t_scale_normal(power.p, power.u);
}

T_INLINE double t_exp2_near_f64(double x) { return t_exp2_normal_f64(x, 0); }
T_INLINE int64_t t_exp2_is_near_f64(double x) { return t_within_f64(x, 1021); }

T_INLINE double t_exp2_f64(double x) {
    return t_exp2_sum_f64(t_at_most(1025, t_at_least(-1076, x)), 0);
}

/* exp(x) = 2^n (1 + hi + lo), as an unevaluated sum, with the bits of n + T_ROUND:
 * hi + lo = exp(r) - 1 = r + (r_lo + r^2 q). */
T_INLINE t_exponential t_reduced_expm1_f64(double x) {
    double n = T_FMA(x, T_LOG2E, T_ROUND);
    t_exponential e;
    e.u = t_bits(n);
    n -= T_ROUND;
    double head = T_FMA(-n, T_LN2_HI, x);
    double r = T_FMA(-n, T_LN2_LO, head);
    double r_lo = T_FMA(-n, T_LN2_LO, head - r);
    double q = T_P11(r, 0x1.0000000000000p-1, 0x1.5555555555559p-3, 0x1.555555555555ap-5,
                     0x1.111111110f698p-7, 0x1.6c16c16c143fep-10, 0x1.a01a01afef2cep-13,
                     0x1.a01a01b0cbc5bp-16, 0x1.71ddf837c5b97p-19, 0x1.27e4c579733ecp-22,
                     0x1.af5ef3c1fd812p-26, 0x1.1f959c2865390p-29); /* -60.7 */
    t_dd p = t_fast_sum(r, T_FMA(r * r, q, r_lo));
    e.hi = p.hi;
    e.lo = p.lo;
    return e;
}

/* (exp(x) - 1) / 4 as an unevaluated sum, -60 <= x <= 710.5; a quarter, so that 2^(n-2) is finite.
 * exp(x) - 1 = 2^n (exp(r) - 1) + (2^n - 1). */
T_INLINE t_dd t_quarter_expm1_f64(double x) {
    t_exponential p = t_reduced_expm1_f64(x);
    double s = t_power_of_two(p.u + 1021); /* 2^(n-2) */
    double power = s - 0.25, power_lo = (s - power) - 0.25;
    t_dd sum = t_fast_sum(power, s * p.hi);
    sum.lo += T_FMA(s, p.lo, power_lo);
    return t_fast_sum(sum.hi, sum.lo);
}

/* expm1(x): 0.5 ULP rounding + 0.5 (r_lo and p.lo, near n = +-1). */
T_INLINE double t_expm1_f64(double x) {
    t_dd e = t_quarter_expm1_f64(t_at_most(710, t_at_least(-40, x)));
    return t_fabs(x) < 0x1p-54 ? x : 4 * e.hi;
}

/* tanh(y/2) = (exp(y) - 1) / (exp(y) + 1): 0.5 ULP rounding + 0.3. Beyond 19.1 the result rounds to
 * 1; from 10 on it is 1 - 2 / (exp(y) + 1), since 2^n +- 1 need not be exact. */
T_INLINE double t_tanh_f64(double x) {
    t_exponential p = t_reduced_expm1_f64(2 * t_at_most(19.1, t_fabs(x)));
    double s = t_power_of_two(p.u + 1023), head = s * p.hi;
    t_dd above = t_fast_sum(s - 1, head), below = t_fast_sum(s + 1, head);
    above.lo = T_FMA(s, p.lo, above.lo);
    below.lo = T_FMA(s, p.lo, below.lo);
    double r = t_quotient(above, below), far = 1 - 2 * (1 / below.hi);
    return t_copysign(s > 0x1p29 ? far : r, x);
}

/* sinh(y) = 2 (Q + Q / (4 Q + 1)): 0.5 ULP rounding + 0.6. */
T_INLINE double t_sinh_f64(double x) {
    t_dd q = t_quarter_expm1_f64(t_at_most(710.5, t_fabs(x)));
    t_dd d = t_sum(4 * t_at_most(0x1p1000, q.hi), 1);
    d.lo = T_FMA(4, t_at_most(1, q.lo), d.lo);
    double r = 2 * (q.hi + (q.lo + t_quotient(q, d)));
    return t_fabs(x) < 0x1p-28 ? x : t_copysign(r, x);
}

/* cosh(x) = 2 (W + 1 / (16 W)), W = exp(|x|) / 4: 0.5 ULP rounding + 0.6. */
T_INLINE double t_cosh_f64(double x) {
    t_exponential p = t_exp_parts_f64(t_at_most(711, t_fabs(x)), 0);
    t_dd v = t_fast_sum(p.hi, p.lo);
    double w = t_scale(v.hi, p.u - 2), w_lo = t_scale(v.lo, p.u - 2);
    return 2 * (w + (w_lo + 0.0625 / w));
}

#endif
