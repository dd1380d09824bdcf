/* float32 exponentials, computed in double with short polynomials. */
#ifndef TRUENO_MATH_F32_EXP_H
#define TRUENO_MATH_F32_EXP_H

#include "math_bits.h"

/* exp(x) in double, relative error 2^-28; |x| <= 700. */
static inline double t_exp_short(double x) {
    double n = T_FMA(x, T_LOG2E, T_EXPONENT_ROUND);
    uint64_t u = t_bits(n);
    n -= T_EXPONENT_ROUND;
    double r = T_FMA(-n, T_LN2_HI, x);
    double p = T_P7(r, 1, 1, 0x1.00000051efb9ap-1, 0x1.55548e9bd0c8cp-3, 0x1.55545d90ec114p-5,
                    0x1.123b91da38c07p-7, 0x1.6db47304cff43p-10); /* -28.3 */
    return p * t_power_of_two(u);
}

/* 0.5 ULP rounding + 0.05 (fit), as for every function here with a 2^-28 polynomial. */
static inline float t_exp_f32(float x) {
    return (float)t_exp_short(t_at_most(89, t_at_least(-104, x)));
}

/* 2^x in double, relative error 2^-28; |x| <= 1000. Exact at integers. */
static inline double t_exp2_short(double x) {
    double n = x + T_EXPONENT_ROUND;
    uint64_t u = t_bits(n);
    double r = x - (n - T_EXPONENT_ROUND);
    double p = T_P7(r, 1, 0x1.62e431713b79ep-1, 0x1.ebfbe07db8730p-3, 0x1.c6ae2b5223794p-5,
                    0x1.3b29e3a986a38p-7, 0x1.5f8932e52b056p-10, 0x1.446ca23393c1cp-13); /* -28 */
    return p * t_power_of_two(u);
}

static inline float t_exp2_f32(float x) {
    return (float)t_exp2_short(t_at_most(129, t_at_least(-151, x)));
}

/* exp(x) - 1 in double, relative error 2^-30; |x| <= 700. */
static inline double t_expm1_short(double x) {
    double n = T_FMA(x, T_LOG2E, T_EXPONENT_ROUND);
    double s = t_power_of_two(t_bits(n));
    n -= T_EXPONENT_ROUND;
    double r = T_FMA(-n, T_LN2_LO, T_FMA(-n, T_LN2_HI, x));
    double q = T_P6(r, 0x1.000000459d94cp-1, 0x1.555555744230bp-3, 0x1.55547031599b8p-5,
                    0x1.1110ab459fb6dp-7, 0x1.6da7be24e335ep-10, 0x1.a17e51525d37ap-13); /* -31 */
    return T_FMA(s, T_FMA(r * r, q, r), s - 1);
}

static inline float t_expm1_f32(float x) {
    double r = t_expm1_short(t_at_most(89, t_at_least(-30, x)));
    return x == 0 ? x : (float)r;
}

/* tanh(x) = E / (E + 2), E = exp(2|x|) - 1; 1 beyond 9.1. */
static inline float t_tanh_f32(float x) {
    double a = t_at_most(9.1, t_fabs(x));
    double e = t_expm1_short(a + a);
    return (float)t_copysign(e / (e + 2), x);
}

#endif
