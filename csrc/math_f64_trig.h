/* float64 trigonometric functions: sin cos tan, fast up to T_TRIG_LIMIT_F64. */
#ifndef TRUENO_MATH_F64_TRIG_H
#define TRUENO_MATH_F64_TRIG_H

#include "math_bits.h"

#define T_TRIG_LIMIT_F64 0x1p38

#define T_PI_2_HI 0x1.921fb54442d18p+0
#define T_PI_2_MID 0x1.1a62633145c07p-54
#define T_PI_2_LO -0x1.f1976b7ed8fbcp-110

/* x = n pi/2 + hi + lo, |hi| <= pi/4 (1 + 2^-15); the low bits of u are n modulo 2^51. */
typedef struct {
    double hi, lo;
    uint64_t u;
} t_quadrant;

/* Cody & Waite (1980) with fused multiply-adds. For |x| <= 2^38, |n| < 2^38:
 *   x - n HI is a multiple of 2^-53 below 1, hence exact;
 *   n MID < 2^-15 is taken off with its error and the sum's: the fast two-sum is exact even where
 *   n MID is the larger, because the other is a multiple of its ULP; n LO only touches lo.
 * The rest, n 2^-163 <= 2^-125, stands against |hi| > 2^-61, the closest that a double of this
 * range comes to a multiple of pi/2 (by continued fractions, as tests/test_accuracy.py does). */
T_INLINE t_quadrant t_reduce_f64(double x) {
    double n = T_FMA(x, 0x1.45f306dc9c883p-1, T_ROUND);
    t_quadrant q;
    q.u = t_bits(n);
    n -= T_ROUND;
    double r = T_FMA(-n, T_PI_2_HI, x);
    t_dd middle = t_product(n, T_PI_2_MID), rest = t_fast_sum(r, -middle.hi);
    q.hi = rest.hi;
    q.lo = T_FMA(-n, T_PI_2_LO, rest.lo - middle.lo);
    return q;
}

/* sin(hi + lo) = hi + lo (1 - hi^2/2) + hi^3 S(hi^2), as an unevaluated sum. */
T_INLINE t_dd t_sin_core_f64(double hi, double lo, double z) {
    double s = T_P6(z, -0x1.5555555555549p-3, 0x1.111111110f861p-7, -0x1.a01a019c0e540p-13,
                    0x1.71de3574c019cp-19, -0x1.ae5e63d11e02cp-26,
                    0x1.5d92479a95a4bp-33); /* -57 */
    t_dd r = {hi, T_FMA(hi * z, s, T_FMA(-0.5 * z, lo, lo))};
    return r;
}

/* cos(hi + lo) = 1 - hi^2/2 + hi^4 C(hi^2) - hi lo; the rounding error of 1 - z/2 is kept. */
T_INLINE t_dd t_cos_core_f64(double hi, double lo, double z) {
    double c = T_P6(z, 0x1.555555555554bp-5, -0x1.6c16c16c14f6dp-10, 0x1.a01a019c809dfp-16,
                    -0x1.27e4f7e806358p-22, 0x1.1ee9d5cac7ccdp-29,
                    -0x1.8fa396109724dp-37); /* -59 */
    double half = 0.5 * z, w = 1 - half;
    t_dd r = {w, ((1 - w) - half) + T_FMA(z * z, c, -hi * lo)};
    return r;
}

/* sin of x (shift = 0) or of x + pi/2 (shift = 1), reduced: 0.5 ULP rounding + 0.1 in the sine,
 * + 0.25 in the cosine (from z). */
T_INLINE double t_sin_quadrant_f64(t_quadrant q, uint64_t shift) {
    double z = q.hi * q.hi;
    t_dd s = t_sin_core_f64(q.hi, q.lo, z), c = t_cos_core_f64(q.hi, q.lo, z);
    uint64_t n = q.u + shift;
    double r = n & 1 ? c.hi + c.lo : s.hi + s.lo;
    return t_double(t_bits(r) ^ (n << 62 & T_SIGN));
}

T_INLINE double t_sin_f64(double x) {
    double r = t_sin_quadrant_f64(t_reduce_f64(x), 0);
    return x == 0 ? x : r;
}

T_INLINE double t_cos_f64(double x) { return t_sin_quadrant_f64(t_reduce_f64(x), 1); }

/* tan(x) = sin / cos, or -cos / sin in odd quadrants: 0.5 ULP rounding + 0.5. */
T_INLINE double t_tan_quadrant_f64(t_quadrant q) {
    double z = q.hi * q.hi;
    t_dd s = t_sin_core_f64(q.hi, q.lo, z), c = t_cos_core_f64(q.hi, q.lo, z);
    s = t_fast_sum(s.hi, s.lo);
    c = t_fast_sum(c.hi, c.lo);
    int odd = (q.u & 1) != 0;
    t_dd a = {odd ? -c.hi : s.hi, odd ? -c.lo : s.lo};
    t_dd b = {odd ? s.hi : c.hi, odd ? s.lo : c.lo};
    return t_quotient(a, b);
}

T_INLINE double t_tan_f64(double x) {
    double r = t_tan_quadrant_f64(t_reduce_f64(x));
    return x == 0 ? x : r;
}

#endif
