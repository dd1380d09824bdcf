/* float64 logarithms. */
#ifndef TRUENO_MATH_F64_LOG_H
#define TRUENO_MATH_F64_LOG_H

#include "math_bits.h"
#include "math_f64_exp.h"

/* A positive finite number as 2^e * m, sqrt(1/2) <= m < sqrt(2). */
typedef struct {
    double m, e;
} t_split;

/* Of a normal x. */
T_INLINE t_split t_split_normal(double x) {
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* bits of sqrt(1/2) */
    uint64_t u = t_bits(x) + (0x3ff0000000000000u - root);
    t_split s;
    s.m = t_double((u & 0x000fffffffffffffu) + root);
    /* the biased exponent under the leading bit of 2^52 */
    s.e = t_double((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
    return s;
}

T_INLINE t_split t_split_f64(double x) {
    int tiny = x < 0x1p-1022;
    t_split s = t_split_normal(tiny ? x * 0x1p54 : x);
    s.e -= tiny ? 54 : 0;
    return s;
}

/* The values of a logarithm outside (0, inf): -inf at 0, NaN below, inf and NaN themselves. */
T_INLINE double t_log_domain(double x, double result) {
    double outside = x == 0 ? -T_INF : T_NAN;
    double inside = x > 0 ? result : outside;
    return x < T_INF ? inside : x;
}

/* 2 atanh(s) / s - 2, s^2 = z <= (3 - sqrt(8))^2. */
T_INLINE double t_atanh_tail_f64(double z) {
    return z * T_P7(z, 0x1.5555555555592p-1, 0x1.999999997fd70p-2, 0x1.24924941f53fdp-2,
                    0x1.c71c5205dfa30p-3, 0x1.74663fa8359c9p-3, 0x1.39a1a6862f369p-3,
                    0x1.2f0637a36d0c1p-3); /* -59 */
}

/* e ln 2 + log(1 + f + f_lo). With s = f / (2 + f): log(1 + f) = 2 atanh(s)
 *   = f - (f^2/2 - s (f^2/2 + R(s^2))),
 * where only f, exact, and the small bracket are added to e ln 2 (the arrangement of K. C. Ng's
 * logarithm in 4.3BSD). The bracket is at most 0.09, so that its rounding costs 0.2 ULP. */
T_INLINE double t_log_sum_f64(double e, double f, double f_lo) {
    double half_square = 0.5 * f * f;
    double s = f / (2 + f);
    double tail = t_atanh_tail_f64(s * s);
    double low = T_FMA(s, half_square + tail, T_FMA(e, T_LN2_TAIL, f_lo));
    t_dd head = t_fast_sum(e * T_LN2_HEAD, f);
    return head.hi + (head.lo - (half_square - low));
}

/* log(x): 0.5 ULP rounding + 0.3. */
T_INLINE double t_log_near_f64(double x) {
    t_split s = t_split_normal(x);
    return t_log_sum_f64(s.e, s.m - 1, 0);
}
T_INLINE int64_t t_log_is_near_f64(double x) { return t_positive_f64(x); }

T_INLINE double t_log_f64(double x) {
    t_split s = t_split_f64(x);
    return t_log_domain(x, t_log_sum_f64(s.e, s.m - 1, 0));
}

/* log(1 + x + x_lo) + more ln 2, relative error 2^-53.5. 1 + x = u + u_lo exactly, scaled by 2^-e;
 * with e = 0 the reduced f is x itself. The derivative 1 / (1 + f) is taken as 1 - f on the last,
 * tiny part. The domain is log's, of u, which is 0 or at least 2^-53. */
T_INLINE double t_log1p_sum_f64(double x, double x_lo, double more) {
    t_dd u = t_sum(1, x);
    t_split s = t_split_normal(u.hi);
    double scale = t_power_of_two(t_bits(T_EXPONENT_ROUND - t_at_most(1000, s.e)));
    t_dd f = t_fast_sum(s.m - 1, u.lo * scale);
    f.lo = T_FMA(x_lo, scale, f.lo);
    double r = t_log_sum_f64(s.e + more, f.hi, T_FMA(-f.hi, f.lo, f.lo));
    return t_log_domain(u.hi, r);
}

/* log1p(x): 0.5 ULP rounding + 0.4. */
T_INLINE double t_log1p_f64(double x) {
    double r = t_log1p_sum_f64(x, 0, 0);
    return t_fabs(x) < 0x1p-54 ? x : r;
}

/* asinh(x) = log1p(a + a^2 / (1 + sqrt(1 + a^2))), a = |x|; log(2 a) from 2^60 on.
 * 0.5 ULP rounding + 0.6. */
T_INLINE double t_asinh_f64(double x) {
    double a = t_fabs(x), z = a * a;
    int big = a >= 0x1p60;
    t_dd t = t_fast_sum(a, z / (1 + __builtin_sqrt(1 + z)));
    double r = t_log1p_sum_f64(big ? a : t.hi, big ? 0 : t.lo, big ? 1 : 0);
    return a < 0x1p-28 ? x : t_copysign(r, x);
}

/* acosh(x) = log1p(t + sqrt(2 t + t^2)), t = x - 1; log(2 x) from 2^60 on.
 * 0.5 ULP rounding + 0.9, near 1 (the square root and its argument). */
T_INLINE double t_acosh_f64(double x) {
    double t = x - 1, v = T_FMA(t, t, t + t);
    int big = x >= 0x1p60;
    double s = __builtin_sqrt(v);
    t_dd w = t_sum(s, t);
    double r = t_log1p_sum_f64(big ? x : w.hi, big ? 0 : w.lo, big ? 1 : 0);
    return x < 1 ? T_NAN : r;
}

/* atanh(x) = log1p(2 a / (1 - a)) / 2, a = |x|, the quotient with its remainder. 0.5 ULP
 * rounding + 0.3. */
T_INLINE double t_atanh_f64(double x) {
    double a = t_fabs(x);
    t_dd d = t_fast_sum(1, -a);
    double inverse = 1 / d.hi, q = (a + a) * inverse;
    double rest = (T_FMA(-q, d.hi, a + a) - q * d.lo) * inverse;
    double r = 0.5 * t_log1p_sum_f64(q, rest, 0);
    return a < 0x1p-28 ? x : t_copysign(r, x);
}

/* log2(x), from its split, as an unevaluated sum with relative error 2^-65: s = (m - 1) / (m + 1)
 * with its remainder, then log2(m) = s (C0 + s^2 (C1 + s^2 T(s^2))), the first two coefficients
 * and all that multiplies them in double-double arithmetic (Dekker 1971). */
T_INLINE t_dd t_log2_sum_f64(t_split p) {
    double f = p.m - 1, d = p.m + 1, d_lo = p.m - (d - 1);
    double inverse = 1 / d;
    t_dd s = {f * inverse, 0};
    s.lo = T_FMA(-s.hi, d_lo, T_FMA(-s.hi, d, f)) * inverse;
    t_dd z = t_product(s.hi, s.hi);
    z.lo = T_FMA(s.hi + s.hi, s.lo, z.lo);
    double t = z.hi * T_P7(z.hi, 0x1.2776c50ef9d24p-1, 0x1.a61762a759917p-2, 0x1.484b14218f47bp-2,
                           0x1.0c9a63da3e232p-2, 0x1.c69f8ac8bce19p-3, 0x1.87b0e13524886p-3,
                           0x1.85e7efada9ebfp-3); /* -65.6 */
    t_dd c1 = t_fast_sum(0x1.ec709dc3a03fdp-1, t); /* 2/(3 ln 2) */
    c1.lo += 0x1.d27f05548af0cp-55;
    t_dd a = t_product(z.hi, c1.hi);
    a.lo += T_FMA(z.hi, c1.lo, z.lo * c1.hi);
    t_dd c0 = t_fast_sum(0x1.71547652b82fep+1, a.hi); /* 2/ln 2 */
    c0.lo += 0x1.777d0ffda0d24p-55 + a.lo;
    t_dd l = t_product(s.hi, c0.hi);
    l.lo += T_FMA(s.hi, c0.lo, s.lo * c0.hi);
    t_dd sum = t_fast_sum(p.e, l.hi);
    sum.lo += l.lo;
    return sum;
}

/* e_hi + e_lo + (c + c_lo) log(1 + f), |f| <= |e_hi| or e_hi = 0, as t_log_sum_f64: with f c as an
 * unevaluated sum, only the bracket, multiplied by c, is rounded. */
T_INLINE double t_log_scaled_f64(double e_hi, double e_lo, double f, double c, double c_lo) {
    double half_square = 0.5 * f * f;
    double s = f / (2 + f);
    double bracket = T_FMA(-s, half_square + t_atanh_tail_f64(s * s), half_square);
    t_dd p = t_product(f, c), head = t_fast_sum(e_hi, p.hi);
    double low = T_FMA(-bracket, c, T_FMA(f, c_lo, p.lo) + e_lo);
    return head.hi + (head.lo + low);
}

/* log2(x), log10(x): 0.5 ULP rounding + 0.5 where e = 0, + 0.3 elsewhere; hence exact wherever the
 * result is representable. log10(2) has a head of 42 bits, whose product with e is exact. */
T_INLINE double t_log2_split_f64(t_split s) {
    return t_log_scaled_f64(s.e, 0, s.m - 1, T_LOG2E, 0x1.777d0ffda0d24p-56);
}
T_INLINE double t_log2_near_f64(double x) { return t_log2_split_f64(t_split_normal(x)); }
T_INLINE int64_t t_log2_is_near_f64(double x) { return t_positive_f64(x); }
T_INLINE double t_log2_f64(double x) {
    return t_log_domain(x, t_log2_split_f64(t_split_f64(x)));
}

T_INLINE double t_log10_split_f64(t_split s) {
    return t_log_scaled_f64(s.e * 0x1.34413509f7800p-2, s.e * 0x1.fef311f12b358p-46, s.m - 1,
                            0x1.bcb7b1526e50ep-2, 0x1.95355baaafad3p-57);
}
T_INLINE double t_log10_near_f64(double x) { return t_log10_split_f64(t_split_normal(x)); }
T_INLINE int64_t t_log10_is_near_f64(double x) { return t_positive_f64(x); }
T_INLINE double t_log10_f64(double x) {
    return t_log_domain(x, t_log10_split_f64(t_split_f64(x)));
}

/* |y| is an integer; every number from 2^52 on is. */
T_INLINE int t_is_integer(double magnitude) {
    return ((magnitude + 0x1p52) - 0x1p52 == magnitude) | (magnitude >= 0x1p52);
}

/* pow(x, y) = 2^(y log2 |x|), and C99's table (annex F.9.4.4). The exponent, below 1075, carries
 * 2^-55 of absolute error: 0.5 ULP rounding + 0.1 (exponent) + 0.35 (exp2). */
T_INLINE double t_pow_f64(double x, double y) {
    double a = t_fabs(x), size = t_fabs(y);
    t_dd l = t_log2_sum_f64(t_split_f64(a));
    /* 2^66 |log2 x| > 1075 for every x != 1: a larger y changes nothing but may overflow */
    double c = t_at_most(0x1p66, t_at_least(-0x1p66, y));
    t_dd e = t_product(c, l.hi);
    e.lo = t_fabs(e.hi) < 1100 ? T_FMA(c, l.lo, e.lo) : 0;
    e.hi = t_at_most(1025, t_at_least(-1076, e.hi));
    double r = t_exp2_sum_f64(e.hi, e.lo);
    double edge = (a == 0) == (y < 0) ? T_INF : 0;
    r = (a == 0) | (a == T_INF) ? edge : r;
    int integer = t_is_integer(size);
    double signed_r = t_copysign(r, x);
    r = integer & !t_is_integer(0.5 * size) ? signed_r : r;
    r = (x < 0) & (a < T_INF) & !integer ? T_NAN : r;
    double sum = x + y; /* NaN if either is; inf - inf is excluded by the test */
    r = (x != x) | (y != y) ? sum : r;
    return (x == 1) | (y == 0) ? 1 : r;
}

/* Where the result is a normal number and none of C99's table applies. */
T_INLINE double t_pow_near_f64(double x, double y) {
    t_dd l = t_log2_sum_f64(t_split_normal(x));
    t_dd e = t_product(y, l.hi);
    return t_exp2_normal_f64(e.hi, T_FMA(y, l.lo, e.lo));
}
T_INLINE int64_t t_pow_is_near_f64(double x, double y) {
    return t_between_f64(x, 0x1p-31, 0x1p31) | t_within_f64(y, 32);
}

#endif
