/* Elementary functions for float (interim: the bodies that call libm are being replaced).
 *
 * Names: t_<name>_f32, pure, branch-free, meant for loops that the compiler vectorises.
 *
 * Trigonometric contract. t_sin_f32, t_cos_f32, t_tan_f32 hold for |x| <= T_TRIG_LIMIT_F32, NaN and
 * infinities (NaN). Beyond the limit call the scalar t_sin_big_f32, t_cos_big_f32, t_tan_big_f32,
 * which are right for every input: a kernel runs the fast loop on its tile, then, if any
 * fabs(x) > T_TRIG_LIMIT_F32, a second scalar loop that mends those lanes.
 */
#ifndef TRUENO_MATH_F32_H
#define TRUENO_MATH_F32_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "math_f32_exp.h"
#include "math_f32_log.h"
#include "math_f32_trig.h"
#include "math_f32_erf.h"


static inline float t_tan_f32(float x) { return (float)(tan(x)); }
static inline float t_asin_f32(float x) { return (float)(asin(x)); }
static inline float t_acos_f32(float x) { return (float)(acos(x)); }
static inline float t_atan_f32(float x) { return (float)(atan(x)); }
static inline float t_sinh_f32(float x) { return (float)(sinh(x)); }
static inline float t_cosh_f32(float x) { return (float)(cosh(x)); }
static inline float t_asinh_f32(float x) { return (float)(asinh(x)); }
static inline float t_acosh_f32(float x) { return (float)(acosh(x)); }
static inline float t_atanh_f32(float x) { return (float)(atanh(x)); }
static inline float t_cbrt_f32(float x) { return (float)(cbrt(x)); }
static inline float t_erfc_f32(float x) { return (float)(erfc(x)); }
static inline float t_sin_big_f32(float x) { return (float)(sin(x)); }
static inline float t_cos_big_f32(float x) { return (float)(cos(x)); }
static inline float t_tan_big_f32(float x) { return (float)(tan(x)); }
static inline float t_atan2_f32(float y, float x) { return (float)(atan2(y, x)); }
static inline float t_hypot_f32(float x, float y) { return (float)(hypot(x, y)); }
static inline float t_rsqrt_f32(float v) { double x = v; return (float)(1.0 / sqrt(x)); }
static inline float t_sigmoid_f32(float v) { double x = v; return (float)(1.0 / (1.0 + exp(-x))); }
static inline float t_softplus_f32(float v) { double x = v; return (float)((x > 0 ? x : 0) + log1p(exp(-fabs(x)))); }
static inline float t_silu_f32(float v) { double x = v; return (float)(x / (1.0 + exp(-x))); }
static inline float t_mish_f32(float v) { double x = v; return (float)(x * tanh((x > 0 ? x : 0) + log1p(exp(-fabs(x))))); }
static inline float t_gelu_f32(float v) { double x = v; return (float)(x * 0.5 * erfc(-x * 0.7071067811865476)); }
static inline float t_gelu_tanh_f32(float v) { double x = v; return (float)(x / (1.0 + exp(-1.5957691216057308 * (x + 0.044715 * x * x * x)))); }
static inline float t_selu_f32(float v) { double x = v; return (float)(1.0507009873554805 * (x > 0 ? x : 1.6732632423543772 * expm1(x))); }
static inline float t_hardsigmoid_f32(float v) { double x = v; return (float)(x < -3 ? 0 : x > 3 ? 1 : x / 6 + 0.5); }
static inline float t_hardswish_f32(float v) { double x = v; return (float)(x < -3 ? 0 * x : x > 3 ? x : x * (x / 6 + 0.5)); }
static inline float t_softsign_f32(float v) { double x = v; return (float)(x / (1 + fabs(x))); }
static inline float t_logaddexp_f32(float v, float w) {
    double x = v, y = w, d = x - y;
    return (float)(x == y ? x + 0.6931471805599453 : (d > 0 ? x : y) + log1p(exp(-fabs(d))));
}

#endif
