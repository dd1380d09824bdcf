/* float64 inverse trigonometric functions: atan atan2 asin acos. */
#ifndef TRUENO_MATH_F64_ARC_H
#define TRUENO_MATH_F64_ARC_H

#include "math_bits.h"
#include "math_f64_trig.h"

/* (atan(q) - q) / q, 0 <= q <= 1, z = q^2. Horner's rule throughout: the even and the odd
 * coefficients have opposite signs, and their separate sums would cancel. */
T_INLINE double t_atan_tail_f64(double z) {
    double high = T_P6(z, -0x1.c78ce53313498p-7, 0x1.d7b53e1a80a0bp-8, -0x1.7a35cee42cecdp-9,
                       0x1.b3f5c8fe7bf69p-11, -0x1.3f3248952e626p-13, 0x1.bbe7b9e373e53p-17);
    double middle = T_P8(z, 0x1.e1bba51d9437cp-5, -0x1.ae5e6caf5a7e0p-5, 0x1.82dac28f8b7a3p-5,
                         -0x1.59a3c7bf3bab5p-5, 0x1.2c2ded0e59a73p-5, -0x1.e9f8b321ecdc1p-6,
                         0x1.683b2d8618c21p-6, high);
    return z * T_P8(z, -0x1.5555555555526p-2, 0x1.99999999955b2p-3, -0x1.249249237f4e1p-3,
                    0x1.c71c717fccbc5p-4, -0x1.745d11ae3c2e1p-4, 0x1.3b1366973c773p-4,
                    -0x1.110e510caf912p-4, middle); /* -57.5 */
}

/* base + atan(q + q_lo), where base is a multiple k of pi/2: 0.5 ULP rounding + 0.8, the
 * most near q = 1, where the tail, rounded four times, is a fifth of the result. */
T_INLINE double t_atan_sum(double k, double q, double q_lo) {
    t_dd head = t_fast_sum(k * T_PI_2_HI, q);
    double low = T_FMA(q, t_atan_tail_f64(q * q), T_FMA(k, T_PI_2_MID, q_lo));
    return head.hi + (head.lo + low);
}

/* Beyond 1: pi/2 - atan(1/x), with the remainder of the division. */
T_INLINE double t_atan_f64(double x) {
    double a = t_at_most(0x1p1000, t_fabs(x));
    double inverse = 1 / a;
    double rest = T_FMA(-inverse, a, 1) * inverse;
    int big = a > 1;
    double r = t_atan_sum(big ? 1 : 0, big ? -inverse : a, big ? -rest : 0);
    return t_copysign(r, x);
}

/* The quotient of the smaller by the larger magnitude, then the octant; C99's table (F.9.1.4). */
T_INLINE double t_atan2_f64(double y, double x) {
    double ay = t_fabs(y), ax = t_fabs(x);
    int steep = ay > ax, left = (int)(t_bits(x) >> 63);
    double above = steep ? ax : ay, below = steep ? ay : ax;
    double q = above / below;
    /* the remainder, where neither it nor 1 / below can leave the range */
    int usual = (below > 0x1p-900) & (below < 0x1p1000);
    double rest = T_FMA(-q, below, above) / below;
    rest = usual ? rest : 0;
    q = above == 0 ? 0 : q;           /* 0 / 0 */
    q = above == T_INF ? 1 : q;       /* inf / inf */
    double k = steep ? 1 : left ? 2 : 0;
    int minus = steep ^ left;
    double r = t_atan_sum(k, minus ? -q : q, minus ? -rest : rest);
    return (x != x) | (y != y) ? x + y : t_copysign(r, y);
}

/* (asin(s) - s) / s, z = s^2 <= 1/4. */
T_INLINE double t_asin_tail_f64(double z) {
    return z * T_P13(z, 0x1.5555555555578p-3, 0x1.333333332df20p-4, 0x1.6db6db722a16cp-5,
                     0x1.f1c71a8c61162p-6, 0x1.6e8bdfca8391cp-6, 0x1.1c49e05f05e21p-6,
                     0x1.ca2102b15b4a0p-7, 0x1.7579edfcdbf72p-7, 0x1.617bcc331ff02p-7,
                     0x1.e255745e6b0d0p-9, 0x1.64ae5aed34a0fp-6, -0x1.59757390ee3b2p-6,
                     0x1.0bb8be2a29866p-5); /* -59.7 */
}

/* |x| > 1/2: asin(|x|) = pi/2 - 2 asin(s), s = sqrt((1 - |x|) / 2); s as an unevaluated sum,
 * for which the estimate of 1 / (2 s) by its bits, right to 13 %, is enough. */
T_INLINE t_dd t_half_angle(double a) {
    double z = 0.5 * (1 - a);
    double s = __builtin_sqrt(z), rest = T_FMA(-s, s, z);
    t_dd half = {s, rest * t_double(0x7fde623822fc16e6u - t_bits(s + s))};
    half.lo = z > 0 ? half.lo : 0;
    return half;
}

/* The tail at s^2 or a^2, whichever is used: the smaller. By a choice between them the compiler may
 * split the way there, and compute the polynomial twice. */
T_INLINE double t_asin_tail_of_f64(double a) {
    return t_asin_tail_f64(t_at_most(a * a, 0.5 * (1 - a)));
}

/* asin(x): 0.5 ULP rounding + 0.2; NaN (from the square root) beyond 1. */
T_INLINE double t_asin_f64(double x) {
    double a = t_fabs(x);
    t_dd s = t_half_angle(a);
    int big = a > 0.5;
    double t = big ? -2 * s.hi : a, t_lo = big ? -2 * s.lo : 0;
    double tail = t_asin_tail_of_f64(a);
    t_dd head = t_fast_sum(big ? T_PI_2_HI : 0, t);
    double low = T_FMA(t, tail, (big ? T_PI_2_MID : 0) + t_lo);
    return t_copysign(head.hi + (head.lo + low), x);
}

/* acos(x) = pi/2 - asin(x) up to 1/2; 2 asin(s) above; pi - 2 asin(s) below -1/2. */
T_INLINE double t_acos_f64(double x) {
    double a = t_fabs(x);
    t_dd s = t_half_angle(a);
    int big = a > 0.5;
    double sign = x < 0 ? -2 : 2;
    double t = big ? sign * s.hi : -x, t_lo = big ? sign * s.lo : 0;
    double tail = t_asin_tail_of_f64(a);
    double k = big ? (x < 0 ? 2 : 0) : 1;
    t_dd head = t_fast_sum(k * T_PI_2_HI, t);
    return head.hi + (head.lo + T_FMA(t, tail, T_FMA(k, T_PI_2_MID, t_lo)));
}

#endif
