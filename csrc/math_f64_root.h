/* float64 cbrt, rsqrt and hypot. */
#ifndef TRUENO_MATH_F64_ROOT_H
#define TRUENO_MATH_F64_ROOT_H

#include "math_bits.h"

/* Seed of m^(-1/3), 1 <= m < 2, relative error 2^-17. */
T_INLINE double t_cbrt_seed(double m) {
    return T_P6(m, 0x1.c7f38e029e298p+0, -0x1.90e7d156250cfp+0, 0x1.3e69826f3e7c8p+0,
                -0x1.321d72f722c5ep-1, 0x1.3fa3df5b9265cp-3, -0x1.16d87e9be2f65p-6);
}

/* x = m 8^k with 1 <= m < 8, and y close to m^(-1/3) with relative error 2^-51: the seed, times
 * 2^(-j/3), then one step of the binomial series of (1 - h)^(-1/3), h = 1 - m y^3 < 2^-15. */
typedef struct {
    double m, y, scale;
} t_cube;

T_INLINE t_cube t_cube_split(double a) {
    int tiny = a < 0x1p-1022;
    uint64_t u = t_bits(tiny ? a * 0x1p54 : a);
    double e = t_double((u >> 52) | 0x4330000000000000u) - (tiny ? 0x1p52 + 1077 : 0x1p52 + 1023);
    double m = t_double((u & 0x000fffffffffffffu) | 0x3ff0000000000000u);
    /* e = 3 k + j, j = 0, 1, 2 */
    double k = T_FMA(e - 1, 0x1.5555555555555p-2, T_EXPONENT_ROUND);
    t_cube c;
    c.scale = t_power_of_two(t_bits(k));
    double j = T_FMA(-3, k - T_EXPONENT_ROUND, e);
    double shrink = j == 0 ? 1 : j == 1 ? 0x1.965fea53d6e3dp-1 : 0x1.428a2f98d728bp-1;
    c.m = m * (j == 0 ? 1 : j == 1 ? 2 : 4);
    double y = t_cbrt_seed(m) * shrink;
    double h = T_FMA(-c.m * y, y * y, 1);
    double series = T_P3(h, 0x1.5555555555555p-2, 0x1.c71c71c71c71cp-3, 0x1.61f9add3c0ca4p-3);
    c.y = T_FMA(y * h, series, y);
    return c;
}

/* cbrt(x) = m y^2 and a Newton step on its residual: 0.5 ULP rounding + 0.01, so that perfect
 * cubes are exact. */
T_INLINE double t_cbrt_f64(double x) {
    double a = t_fabs(x);
    t_cube c = t_cube_split(a);
    double square = c.y * c.y, r = c.m * square;
    t_dd r2 = t_product(r, r);
    double residual = T_FMA(-r2.hi, r, c.m) - r2.lo * r;
    r = T_FMA(residual * square, 0x1.5555555555555p-2, r) * c.scale;
    return (a > 0) & (a < T_INF) ? t_copysign(r, x) : x;
}

/* 1 / sqrt(x) and a Newton step on the residual 1 - x r^2: 0.5 ULP rounding + 0.01. */
T_INLINE double t_rsqrt_f64(double x) {
    double r = 1 / __builtin_sqrt(x);
    t_dd t = t_product(x, r);
    double h = T_FMA(-t.hi, r, 1) - t.lo * r;
    double better = T_FMA(0.5 * r, h, r);
    return (x > 0) & (x < T_INF) ? better : r;
}

/* hypot(x, y), scaled so that the squares stay normal: 0.5 ULP (sqrt) + 0.4 (half the relative
 * error of the sum). Infinite if either is, even beside NaN. */
T_INLINE double t_hypot_f64(double x, double y) {
    double ax = t_fabs(x), ay = t_fabs(y);
    double a = ax < ay ? ay : ax, b = ax < ay ? ax : ay;
    double scale = a > 0x1p510 ? 0x1p-600 : a < 0x1p-450 ? 0x1p600 : 1;
    double back = a > 0x1p510 ? 0x1p600 : a < 0x1p-450 ? 0x1p-600 : 1;
    a *= scale;
    b *= scale;
    double r = __builtin_sqrt(T_FMA(a, a, b * b)) * back;
    return (ax == T_INF) | (ay == T_INF) ? T_INF : r;
}

#endif
