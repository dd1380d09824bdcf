/* float32 activations, computed in double. As in float64, x f(x) is NaN where f(-inf) = 0. */
#ifndef TRUENO_MATH_F32_ACT_H
#define TRUENO_MATH_F32_ACT_H

#include "math_bits.h"
#include "math_f32_erf.h"
#include "math_f32_exp.h"
#include "math_f32_log.h"

/* exp(x) that reaches 0 and infinity: n = -1023 and n = 1024 give those as powers of two. */
T_INLINE double t_exp_wide_short(double x) {
    return t_exp_short(t_at_most(709.9, t_at_least(-709.1, x)));
}

T_INLINE float t_sigmoid_f32(float x) {
    return (float)(1 / (1 + t_exp_wide_short(-(double)x)));
}

T_INLINE float t_silu_f32(float x) {
    return (float)(x / (1 + t_exp_wide_short(-(double)x)));
}

/* x sigmoid(2 sqrt(2/pi) (x + 0.044715 x^3)). */
T_INLINE float t_gelu_tanh_f32(float x) {
    double wide = x;
    double w = wide * T_FMA(wide * wide, 0x1.2444f2a4d8b4bp-4, 0x1.9884533d43651p+0);
    return (float)(wide / (1 + t_exp_wide_short(-w)));
}

/* x - T or -T, T = |x| erfc(|x| / sqrt(2)) / 2; x - x is 0, or NaN at minus infinity. */
T_INLINE float t_gelu_f32(float x) {
    double wide = x, a = t_fabs(wide);
    double tail = 0.5 * t_at_most(20, a) * t_erfc_short(0x1.6a09e667f3bcdp-1 * a);
    return (float)t_copysign((x < 0 ? wide - wide : wide) - tail, wide);
}

/* log(1 + exp(d)), d <= 0: see t_log1p_exp_f64. */
T_INLINE double t_softplus_short(double d) {
    double e = t_exp_short(t_at_least(-200, d));
    int big = e > 0.4142;
    return (big ? T_LN2_HI : 0) + t_log_short(big ? T_FMA(0.5, e, -0.5) : e);
}

T_INLINE float t_softplus_f32(float x) {
    return (float)((x > 0 ? (double)x : 0) + t_softplus_short(-t_fabs(x)));
}

/* Where the terms cancel, the error is 2^-28 of the larger operand. */
T_INLINE float t_logaddexp_f32(float x, float y) {
    double a = x, b = y, top = a < b ? b : a;
    double r = top + t_softplus_short(-t_fabs(a - b));
    return (float)(x == y ? a + T_LN2_HI : r);
}

/* x w / (w + 2), w = e (e + 2), e = exp(x): x tanh(log(1 + e)). */
T_INLINE float t_mish_f32(float x) {
    double e = t_exp_short(t_at_most(50, t_at_least(-709.1, x))), w = e * (e + 2);
    return (float)(x * (w / (w + 2)));
}

T_INLINE float t_selu_f32(float x) {
    double negative = 0x1.c212cc640f031p+0 * t_expm1_short(t_at_most(0, t_at_least(-30, x)));
    return (float)(x > 0 ? 0x1.0cfabd6a91132p+0 * x : x == 0 ? x : negative);
}

T_INLINE double t_hardsigmoid_short(double x) {
    return (t_at_most(3, t_at_least(-3, x)) + 3) * 0x1.5555555555555p-3;
}

T_INLINE float t_hardsigmoid_f32(float x) { return (float)t_hardsigmoid_short(x); }

T_INLINE float t_hardswish_f32(float x) { return (float)(x * t_hardsigmoid_short(x)); }

T_INLINE float t_softsign_f32(float x) { return (float)(x / (1 + t_fabs(x))); }

#endif
