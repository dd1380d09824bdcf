/* float32 logarithms in float32; inverse hyperbolic functions and pow in double with short
 * polynomials. */
#ifndef TRUENO_MATH_F32_LOG_H
#define TRUENO_MATH_F32_LOG_H

#include "math_bits.h"
#include "math_f32_exp.h"
#include "math_f64_log.h"

/* A float32, 2^-149 <= x, widened: never subnormal as a double. */
T_INLINE t_split t_split_f32(double x) {
    const uint64_t root = 0x3fe6a09e667f3bcdu; /* bits of sqrt(1/2) */
    uint64_t u = t_bits(x) + (0x3ff0000000000000u - root);
    t_split s;
    s.m = t_double((u & 0x000fffffffffffffu) + root);
    s.e = t_double((u >> 52) | 0x4330000000000000u) - (0x1p52 + 1023);
    return s;
}

/* log(1 + f), sqrt(1/2) <= 1 + f < sqrt(2), relative error 2^-30. */
T_INLINE double t_log_short(double f) {
    double q = T_S10(f, -0x1.ffffffd59c6c4p-2, 0x1.555546379377bp-2, -0x1.00001142507bep-2,
                     0x1.99a53da9047ecp-3, -0x1.555ab170ef4d8p-3, 0x1.232d8cac30f14p-3,
                     -0x1.fc343fa06ca37p-4, 0x1.e777357278badp-4, -0x1.de41a200fccb2p-4,
                     0x1.1375a676b00b5p-4); /* -30.4 */
    return T_FMA(f * f, q, f);
}

/* A positive normal float32 as 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2). */
typedef struct {
    float f, e;
} t_split_float;

T_INLINE t_split_float t_split_biased_f32(float x, float bias) {
    const uint32_t root = 0x3f3504f3u; /* bits of sqrt(1/2) */
    uint32_t u = t_bits_f32(x) + (0x3f800000u - root);
    t_split_float s;
    s.e = (float)(int32_t)(u >> 23) - bias;
    s.f = t_float((u & 0x007fffffu) + root) - 1;
    return s;
}

/* Any other one, as far as it is positive. */
T_INLINE t_split_float t_split_any_f32(float x) {
    int tiny = x < 0x1p-126f;
    return t_split_biased_f32(tiny ? x * 0x1p23f : x, tiny ? 150 : 127);
}

T_INLINE float t_log_domain_f32(float x, float result) {
    float outside = x == 0 ? -__builtin_inff() : __builtin_nanf("");
    float inside = x > 0 ? result : outside;
    return x < __builtin_inff() ? inside : x;
}

/* (log(1 + f) - f + f^2/2) / f^3 */
T_INLINE float t_log_tail_f32(float f) {
    return T_F8(f, 0x1.555564p-2f, -0x1.00023cp-2f, 0x1.999860p-3f, -0x1.546790p-3f,
                0x1.236438p-3f, -0x1.0e6826p-3f, 0x1.025becp-3f, -0x1.2d3640p-4f); /* -27 */
}

/* e ln 2 + f + f_lo - f^2/2 + f^3 P(f), where e times the first 15 bits of ln 2 is exact and f is
 * added to it without loss. 0.5 ULP rounding + 0.4. */
T_INLINE float t_log_sum_f32(t_split_float s, float f_lo) {
    float square = s.f * s.f;
    float low = T_FMAF(s.f * square, t_log_tail_f32(s.f), T_FMAF(s.e, 0x1.7f7d1cp-20f, f_lo));
    low = T_FMAF(-0.5f, square, low);
    float head = s.e * 0x1.62e4p-1f, sum = head + s.f;
    return sum + (((head - sum) + s.f) + low);
}

T_INLINE float t_log_near_f32(float x) { return t_log_sum_f32(t_split_biased_f32(x, 127), 0); }
T_INLINE int32_t t_log_is_near_f32(float x) { return t_positive_f32(x); }
T_INLINE float t_log_f32(float x) {
    return t_log_domain_f32(x, t_log_sum_f32(t_split_any_f32(x), 0));
}

/* e_hi + e_lo + (c + c_lo) log(1 + f), |c f| <= |e_hi| or e_hi = 0: f c and f^2
 * as unevaluated sums. 0.5 ULP rounding + 0.4, so that integral results are exact. */
T_INLINE float t_log_scaled_f32(float e_hi, float e_lo, float f, float c, float c_lo) {
    float half = -0.5f * f, square = f * half, rest = T_FMAF(f, half, -square);
    rest = T_FMAF(-2 * f * square, t_log_tail_f32(f), rest);
    float p = f * c, low = T_FMAF(f, c_lo, T_FMAF(f, c, -p) + e_lo);
    t_dd_f32 head = t_fast_sum_f32(e_hi, p);
    return head.hi + (head.lo + T_FMAF(square, c, T_FMAF(rest, c, low)));
}

T_INLINE float t_log2_split_f32(t_split_float s) {
    return t_log_scaled_f32(s.e, 0, s.f, 0x1.715476p+0f, 0x1.4ae0c0p-26f);
}
T_INLINE float t_log2_near_f32(float x) { return t_log2_split_f32(t_split_biased_f32(x, 127)); }
T_INLINE int32_t t_log2_is_near_f32(float x) { return t_positive_f32(x); }
T_INLINE float t_log2_f32(float x) {
    return t_log_domain_f32(x, t_log2_split_f32(t_split_any_f32(x)));
}

T_INLINE float t_log10_split_f32(t_split_float s) {
    return t_log_scaled_f32(s.e * 0x1.344p-2f, s.e * 0x1.3509f8p-18f, s.f, 0x1.bcb7b2p-2f,
                            -0x1.5b235ep-27f);
}
T_INLINE float t_log10_near_f32(float x) { return t_log10_split_f32(t_split_biased_f32(x, 127)); }
T_INLINE int32_t t_log10_is_near_f32(float x) { return t_positive_f32(x); }
T_INLINE float t_log10_f32(float x) {
    return t_log_domain_f32(x, t_log10_split_f32(t_split_any_f32(x)));
}

/* log(1 + x) from the logarithm of u = 1 + x and what was rounded off, scaled with it; with e = 0
 * the reduced f is x itself. 0.5 ULP rounding + 0.4. */
T_INLINE float t_log1p_f32(float x) {
    float u = 1 + x, back = u - x;
    float u_lo = (1 - back) + (x - (u - back));
    t_split_float s = t_split_biased_f32(u, 127);
    float scale = t_float((127u << 23) - ((uint32_t)(int32_t)t_at_most_f32(120, s.e) << 23));
    t_dd_f32 f = t_fast_sum_f32(s.f, u_lo * scale);
    s.f = f.hi;
    float r = t_log_sum_f32(s, T_FMAF(-f.hi, f.lo, f.lo));
    return __builtin_fabsf(x) < 0x1p-25f ? x : t_log_domain_f32(u, r);
}

/* log(1 + x), relative error 2^-30, x < 2^1000: with e = 0 the reduced f is x itself, elsewhere
 * the rounding of 1 + x is below 2^-53. log's domain. */
T_INLINE double t_log1p_short(double x) {
    double u = 1 + x;
    t_split s = t_split_f32(u);
    double r = T_FMA(s.e, T_LN2_HI, t_log_short(s.e == 0 ? x : s.m - 1));
    return t_log_domain(u, r);
}

/* asinh(x) = log1p(a + a^2 / (1 + sqrt(1 + a^2))), a = |x|. */
T_INLINE float t_asinh_f32(float x) {
    double a = t_fabs(x), z = a * a;
    double quotient = z / (1 + __builtin_sqrt(1 + z));
    double r = t_log1p_short(a + (a < T_INF ? quotient : 0));
    return (float)t_copysign(r, x);
}

/* acosh(x) = log1p(t + sqrt(2 t + t^2)), t = x - 1. */
T_INLINE float t_acosh_f32(float x) {
    double t = (double)x - 1;
    double r = t_log1p_short(t + __builtin_sqrt(T_FMA(t, t, t + t)));
    return (float)(x < 1 ? T_NAN : r);
}

/* atanh(x) = log1p(2 a / (1 - a)) / 2, a = |x|. */
T_INLINE float t_atanh_f32(float x) {
    double a = t_fabs(x);
    return (float)t_copysign(0.5 * t_log1p_short((a + a) / (1 - a)), x);
}

/* log2(x), 0 < x < inf, a float32: relative error 2^-40, exact at powers of two. */
T_INLINE double t_log2_short(double x) {
    t_split s = t_split_f32(x);
    double f = s.m - 1;
    double q = T_S15(f, 0x1.71547652b89e0p+0, -0x1.715476528d467p-1, 0x1.ec709dbd23825p-2,
                     -0x1.715476b443b7cp-2, 0x1.2776c9410634dp-2, -0x1.ec7061e02729cp-3,
                     0x1.a6154652b95a6p-3, -0x1.715b8d60e7756p-3, 0x1.488d08be22278p-3,
                     -0x1.272ba3ec4125cp-3, 0x1.087c9bced6087p-3, -0x1.e9fc1f17f2af2p-4,
                     0x1.024d5b65703dep-3, -0x1.f9f3039a5a0d7p-4, 0x1.02cc66dd312f8p-4); /* -41 */
    return T_FMA(f, q, s.e);
}

/* The sign bit where |y| is an odd integer: the low bit of one below 2^23 stands last in y + 2^23,
 * and from 2^24 on all are even. */
T_INLINE uint32_t t_odd_sign_f32(float size, int integer) {
    uint32_t low = t_bits_f32(size < 0x1p23f ? size + 0x1p23f : size);
    return integer & (size < 0x1p24f) ? low << 31 : 0;
}

/* pow(x, y) = 2^(y log2 |x|) and C99's table (annex F.9.4.4). An exponent of 150 carries 2^-33 of
 * absolute error: 0.5 ULP rounding + 0.08. The table is applied in float32, where a vector holds
 * twice as many elements; y is clamped because infinity times log2(1) would be NaN. */
T_INLINE float t_pow_f32(float x, float y) {
    float a = __builtin_fabsf(x), size = __builtin_fabsf(y);
    float c = -0x1p60f > y ? -0x1p60f : y;
    c = 0x1p60f < c ? 0x1p60f : c;
    double e = c * t_log2_short(a);
    float r = (float)t_exp2_short(t_at_most(150, t_at_least(-160, e)));
    const float inf = __builtin_inff();
    float edge = (a == 0) == (y < 0) ? inf : 0;
    r = (a == 0) | (a == inf) ? edge : r;
    int integer = ((size + 0x1p23f) - 0x1p23f == size) | (size >= 0x1p23f);
    r = t_float(t_bits_f32(r) | (t_odd_sign_f32(size, integer) & t_bits_f32(x)));
    r = (x < 0) & (a < inf) & !integer ? __builtin_nanf("") : r;
    r = (x != x) | (y != y) ? x + y : r;
    return (x == 1) | (y == 0) ? 1 : r;
}

/* Where none of C99's table applies and 2^e is a normal float64. */
T_INLINE float t_pow_near_f32(float x, float y) {
    return (float)t_exp2_short(y * t_log2_short(x));
}
T_INLINE int32_t t_pow_is_near_f32(float x, float y) {
    return t_between_f32(x, 0x1p-31f, 0x1p31f) | t_within_f32(y, 32);
}

#endif
