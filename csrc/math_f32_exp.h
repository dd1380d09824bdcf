/* float32 exponentials and hyperbolic functions, all but sinh computed in float32; and exponentials
 * in double with short polynomials, which other functions need. */
#ifndef TRUENO_MATH_F32_EXP_H
#define TRUENO_MATH_F32_EXP_H

#include "math_bits.h"

/* exp(x) in double, relative error 2^-28; |x| <= 700. */
T_INLINE double t_exp_short(double x) {
    double n = T_FMA(x, T_LOG2E, T_EXPONENT_ROUND);
    uint64_t u = t_bits(n);
    n -= T_EXPONENT_ROUND;
    double r = T_FMA(-n, T_LN2_HI, x);
    double p = T_P7(r, 1, 1, 0x1.00000051efb9ap-1, 0x1.55548e9bd0c8cp-3, 0x1.55545d90ec114p-5,
                    0x1.123b91da38c07p-7, 0x1.6db47304cff43p-10); /* -28.3 */
    return p * t_power_of_two(u);
}

/* T_ROUND, t_power, t_scale and t_scale_normal for float32. */
#define T_ROUND_F32 0x1.8p23f

typedef struct {
    float p;
    uint32_t u;
} t_power_f32;

T_INLINE float t_scale_f32(t_power_f32 power) {
    uint32_t biased = power.u + 254, half = biased >> 1;
    return power.p * t_float(half << 23) * t_float((biased - half) << 23);
}

T_INLINE float t_scale_normal_f32(t_power_f32 power) {
    return t_float(t_bits_f32(power.p) + (power.u << 23));
}

/* exp(x), as t_exp_sum_f64: 0.5 ULP rounding + 0.2; 0.25 more where subnormal. */
T_INLINE t_power_f32 t_exp_parts_f32(float x) {
    float n = T_FMAF(x, 0x1.715476p+0f, T_ROUND_F32);
    uint32_t u = t_bits_f32(n);
    n -= T_ROUND_F32;
    float head = T_FMAF(-n, 0x1.62e43p-1f, x), low = n * 0x1.05c61p-29f, r = head + low;
    float q = T_F5(r, 0.5f, 0x1.55548ap-3f, 0x1.5554bcp-5f, 0x1.123e8ap-7f,
                   0x1.6d9698p-10f); /* -28 */
    float one = 1 + head, rest = (1 - one) + head;
    t_power_f32 power = {one + (rest + T_FMAF(r * r, q, low)), u};
    return power;
}

T_INLINE float t_exp_near_f32(float x) { return t_scale_normal_f32(t_exp_parts_f32(x)); }
T_INLINE int32_t t_exp_is_near_f32(float x) { return t_within_f32(x, 87); }
T_INLINE float t_exp_f32(float x) {
    float c = -104 > x ? -104 : x;
    return t_scale_f32(t_exp_parts_f32(89 < c ? 89 : c));
}

/* exp2(x): 0.5 ULP rounding + 0.3; exact at integers. The coefficients were rounded to float32
 * one by one, refitting the rest. */
T_INLINE t_power_f32 t_exp2_parts_f32(float x) {
    float n = x + T_ROUND_F32, r = x - (n - T_ROUND_F32);
    float q = T_F6(r, 0x1.62e43p-1f, 0x1.ebfbep-3f, 0x1.c6af72p-5f, 0x1.3b2a48p-7f,
                   0x1.5f0dd6p-10f, 0x1.4424b4p-13f); /* -28 */
    t_power_f32 power = {T_FMAF(r, q, 1), t_bits_f32(n)};
    return power;
}

T_INLINE float t_exp2_near_f32(float x) { return t_scale_normal_f32(t_exp2_parts_f32(x)); }
T_INLINE int32_t t_exp2_is_near_f32(float x) { return t_within_f32(x, 125); }
T_INLINE float t_exp2_f32(float x) {
    float c = -151 > x ? -151 : x;
    return t_scale_f32(t_exp2_parts_f32(129 < c ? 129 : c));
}

/* 2^x in double, relative error 2^-28; |x| <= 1000. Exact at integers. */
T_INLINE double t_exp2_short(double x) {
    double n = x + T_EXPONENT_ROUND;
    uint64_t u = t_bits(n);
    double r = x - (n - T_EXPONENT_ROUND);
    double p = T_S7(r, 1, 0x1.62e431713b79ep-1, 0x1.ebfbe07db8730p-3, 0x1.c6ae2b5223794p-5,
                    0x1.3b29e3a986a38p-7, 0x1.5f8932e52b056p-10, 0x1.446ca23393c1cp-13); /* -28 */
    return p * t_power_of_two(u);
}

/* exp(x) - 1 in double, relative error 2^-30; |x| <= 700. */
T_INLINE double t_expm1_short(double x) {
    double n = T_FMA(x, T_LOG2E, T_EXPONENT_ROUND);
    double s = t_power_of_two(t_bits(n));
    n -= T_EXPONENT_ROUND;
    double r = T_FMA(-n, T_LN2_LO, T_FMA(-n, T_LN2_HI, x));
    double q = T_P6(r, 0x1.000000459d94cp-1, 0x1.555555744230bp-3, 0x1.55547031599b8p-5,
                    0x1.1110ab459fb6dp-7, 0x1.6da7be24e335ep-10, 0x1.a17e51525d37ap-13); /* -31 */
    return T_FMA(s, T_FMA(r * r, q, r), s - 1);
}

/* exp(x) = s (1 + hi + lo) in float32, s = 2^(n + shift): hi + lo = r + r^2 q with what was rounded
 * off r; -20 <= x <= 89. */
typedef struct {
    float s, hi, lo;
} t_reduced_f32;

T_INLINE t_reduced_f32 t_reduced_expm1_f32(float x, uint32_t shift) {
    float n = T_FMAF(x, 0x1.715476p+0f, T_ROUND_F32);
    t_reduced_f32 e;
    e.s = t_float((t_bits_f32(n) + shift + 127) << 23);
    n -= T_ROUND_F32;
    float head = T_FMAF(-n, 0x1.62e43p-1f, x), low = n * 0x1.05c61p-29f, r = head + low;
    float q = T_F6(r, 0.5f, 0x1.555556p-3f, 0x1.555470p-5f, 0x1.1110acp-7f, 0x1.6da7bep-10f,
                   0x1.a17e52p-13f); /* -29 */
    t_dd_f32 p = t_fast_sum_f32(head, T_FMAF(r * r, q, low));
    e.hi = p.hi;
    e.lo = p.lo;
    return e;
}

/* exp(x) - 1 = 2 ((s - 1/2) + s (hi + lo)), s = 2^(n - 1), which is finite: 0.5 ULP rounding
 * + 0.2. */
T_INLINE float t_expm1_f32(float x) {
    t_reduced_f32 e = t_reduced_expm1_f32(t_at_most_f32(89, t_at_least_f32(-18, x)), -1u);
    float power = e.s - 0.5f, power_lo = (e.s - power) - 0.5f;
    t_dd_f32 sum = t_fast_sum_f32(power, e.s * e.hi);
    float r = 2 * (sum.hi + (sum.lo + T_FMAF(e.s, e.lo, power_lo)));
    return __builtin_fabsf(x) < 0x1p-25f ? x : r;
}

/* tanh(y/2) = (exp(y) - 1) / (exp(y) + 1), both as unevaluated sums: 0.5 ULP rounding + 0.1. Beyond
 * 9.1 the result rounds to 1; from 6.6 on it is 1 - 2 / (exp(y) + 1), since 2^n +- 1 need not be
 * exact. */
T_INLINE float t_tanh_f32(float x) {
    t_reduced_f32 e = t_reduced_expm1_f32(2 * t_at_most_f32(9.1f, __builtin_fabsf(x)), 0);
    float head = e.s * e.hi;
    t_dd_f32 above = t_fast_sum_f32(e.s - 1, head), below = t_fast_sum_f32(e.s + 1, head);
    above.lo = T_FMAF(e.s, e.lo, above.lo);
    below.lo = T_FMAF(e.s, e.lo, below.lo);
    float inverse = 1 / below.hi, q = above.hi * inverse;
    float residual = T_FMAF(-q, below.hi, above.hi) + T_FMAF(-q, below.lo, above.lo);
    float r = e.s > 0x1p19f ? 1 - 2 * inverse : T_FMAF(residual, inverse, q);
    return __builtin_copysignf(r, x);
}

/* sinh(x) in double: exp(x) = 2^n (cosh r + sinh r), p = 2^n / 2, m = 2^-n / 2. */
T_INLINE float t_sinh_f32(float x) {
    double a = t_at_most(90, t_fabs(x)), n = T_FMA(a, T_LOG2E, 0x1.8p52 + 1022);
    uint64_t u = t_bits(n) << 52;
    double p = t_double(u), m = t_double(0x7fc0000000000000u - u);
    n -= 0x1.8p52 + 1022;
    double r = T_FMA(-n, T_LN2_LO, T_FMA(-n, T_LN2_HI, a)), z = r * r;
    double s = T_P3(z, 0x1.555555739a393p-3, 0x1.1110b19c95bc4p-7,
                    0x1.a17037b1889dcp-13); /* -37 */
    double c = T_P4(z, 1, 0x1.0000004424475p-1, 0x1.55547e75e1808p-5,
                    0x1.6d97dfcba9db2p-10); /* -34 */
    return (float)t_copysign(T_FMA(p + m, T_FMA(r * z, s, r), (p - m) * c), x);
}

/* In float32: 2 (W + 1 / (16 W)), W = exp(|x|) / 4. 0.5 ULP rounding + 0.2. */
T_INLINE float t_cosh_f32(float x) {
    t_reduced_f32 e = t_reduced_expm1_f32(t_at_most_f32(89.5f, __builtin_fabsf(x)), -2u);
    t_dd_f32 p = t_fast_sum_f32(1, e.hi);
    float w = e.s * p.hi, w_lo = e.s * (p.lo + e.lo);
    return 2 * (w + (w_lo + 0.0625f / w));
}

#endif
