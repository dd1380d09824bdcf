/* float32 cbrt, in float32, and rsqrt and hypot, computed in double. */
#ifndef TRUENO_MATH_F32_ROOT_H
#define TRUENO_MATH_F32_ROOT_H

#include "math_bits.h"
#include "math_f32_exp.h"

/* As t_cbrt_f64, in float32: a seed of m^(-1/3) with relative error 2^-17, 1 <= m < 2, times
 * 2^(-j/3), then a Newton step on the residual of m y^2. 0.5 ULP rounding + 0.01. */
T_INLINE float t_cbrt_f32(float x) {
    float a = __builtin_fabsf(x);
    int tiny = a < 0x1p-126f;
    uint32_t u = t_bits_f32(tiny ? a * 0x1p24f : a);
    float e = (float)(int32_t)(u >> 23) - (tiny ? 151 : 127);
    float m = t_float((u & 0x007fffffu) | 0x3f800000u);
    /* e = 3 k + j, j = 0, 1, 2 */
    float k = T_FMAF(e - 1, 0x1.555556p-2f, T_ROUND_F32), j = T_FMAF(-3, k - T_ROUND_F32, e);
    float scale = t_float((t_bits_f32(k) + 127) << 23);
    float y = T_F6(m, 0x1.c7f38ep+0f, -0x1.90e7d1p+0f, 0x1.3e698fp+0f, -0x1.321d73p-1f,
                   0x1.3fa3dfp-3f, -0x1.16d87ep-6f);
    y *= j == 0 ? 1 : j == 1 ? 0x1.965feap-1f : 0x1.428a2fp-1f;
    m *= j == 0 ? 1 : j == 1 ? 2 : 4;
    float square = y * y, r = m * square, r2 = r * r, r2_lo = T_FMAF(r, r, -r2);
    float residual = T_FMAF(-r2_lo, r, T_FMAF(-r2, r, m));
    r = T_FMAF(residual * square, 0x1.555556p-2f, r) * scale;
    return (a > 0) & (a < __builtin_inff()) ? __builtin_copysignf(r, x) : x;
}

T_INLINE float t_rsqrt_f32(float x) { return (float)(1 / __builtin_sqrt((double)x)); }

/* The squares of float32 numbers neither overflow nor vanish in double. */
T_INLINE float t_hypot_f32(float x, float y) {
    double a = x, b = y, r = __builtin_sqrt(T_FMA(a, a, b * b));
    return (float)((t_fabs(a) == T_INF) | (t_fabs(b) == T_INF) ? T_INF : r);
}

#endif
