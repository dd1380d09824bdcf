/* float32 cbrt, rsqrt and hypot, computed in double. */
#ifndef TRUENO_MATH_F32_ROOT_H
#define TRUENO_MATH_F32_ROOT_H

#include "math_bits.h"
#include "math_f64_root.h"

T_INLINE float t_cbrt_f32(float x) {
    double wide = x, a = t_fabs(wide);
    t_cube c = t_cube_split(a);
    double r = c.m * c.y * c.y * c.scale;
    return (float)((a > 0) & (a < T_INF) ? t_copysign(r, wide) : wide);
}

T_INLINE float t_rsqrt_f32(float x) { return (float)(1 / __builtin_sqrt((double)x)); }

/* The squares of float32 numbers neither overflow nor vanish in double. */
T_INLINE float t_hypot_f32(float x, float y) {
    double a = x, b = y, r = __builtin_sqrt(T_FMA(a, a, b * b));
    return (float)((t_fabs(a) == T_INF) | (t_fabs(b) == T_INF) ? T_INF : r);
}

#endif
