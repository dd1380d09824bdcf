/* float32 trigonometric functions: atan, asin and acos in float32, those that reduce an angle and
 * atan2 in double with short polynomials. */
#ifndef TRUENO_MATH_F32_TRIG_H
#define TRUENO_MATH_F32_TRIG_H

#include "math_bits.h"
#include "math_f64_big.h"

#define T_TRIG_LIMIT_F32 0x1p40f

#define T_1_PI 0x1.45f306dc9c883p-2
#define T_PI_HI 0x1.921fb54442d18p+1
#define T_PI_LO 0x1.1a62633145c07p-53

/* sin(r + n pi), |r| <= pi/2; the low bit of u is n's. */
T_INLINE double t_sin_short(double r, uint64_t u) {
    double z = r * r;
    double p = T_P5(z, -0x1.55555547573f3p-3, 0x1.11110c450c5eep-7, -0x1.a017d7f52bc88p-13,
                    0x1.717047e5f0f8bp-19, -0x1.9a63751c11888p-26); /* -35 */
    return t_double(t_bits(T_FMA(r * z, p, r)) ^ u << 63);
}

/* x - n pi with pi as 53 + 53 bits. For |x| <= 2^40 the first difference is exact (Cody & Waite
 * 1980), the second leaves n 2^-107 against |r| > 2^-33 for the float32 numbers of this range. */
T_INLINE double t_sin_wide(double x) {
    double n = T_FMA(x, T_1_PI, T_ROUND);
    uint64_t u = t_bits(n);
    n -= T_ROUND;
    return t_sin_short(T_FMA(-n, T_PI_LO, T_FMA(-n, T_PI_HI, x)), u);
}

/* cos(x) = sin(x + pi/2): n is a half-integer, rounded from x / pi + 1/2. */
T_INLINE double t_cos_wide(double x) {
    double n = T_FMA(x, T_1_PI, 0.5) + T_ROUND;
    uint64_t u = t_bits(n);
    n = (n - T_ROUND) - 0.5;
    return t_sin_short(T_FMA(-n, T_PI_LO, T_FMA(-n, T_PI_HI, x)), u);
}

T_INLINE float t_sin_f32(float x) { return x == 0 ? x : (float)t_sin_wide(x); }
T_INLINE float t_cos_f32(float x) { return (float)t_cos_wide(x); }

/* tan(x) = sin / cos of the remainder modulo pi/2, or -cos / sin in odd quadrants. */
T_INLINE float t_tan_f32(float x) {
    double n = T_FMA(x, 2 * T_1_PI, T_ROUND);
    uint64_t u = t_bits(n);
    n -= T_ROUND;
    double r = T_FMA(-n, 0.5 * T_PI_LO, T_FMA(-n, 0.5 * T_PI_HI, x)), z = r * r;
    double s = T_P4(z, -0x1.5555554cb2104p-3, 0x1.111108907a057p-7, -0x1.a00f98e5a6229p-13,
                    0x1.6cd732cfc79c4p-19); /* -37 */
    double c = T_P5(z, 1, -0x1.ffffffd57ce73p-2, 0x1.55553da805fd4p-5, -0x1.6c07ec944da66p-10,
                    0x1.9904fdacb713dp-16); /* -33 */
    s = T_FMA(r * z, s, r);
    int odd = (u & 1) != 0;
    double t = (odd ? -c : s) / (odd ? s : c);
    return x == 0 ? x : (float)t;
}

/* Any float32, scalar, for elements beyond T_TRIG_LIMIT_F32: the float64 functions, rounded. */
static inline float t_sin_big_f32(float x) { return (float)t_sin_big_f64(x); }
static inline float t_cos_big_f32(float x) { return (float)t_cos_big_f64(x); }
static inline float t_tan_big_f32(float x) { return (float)t_tan_big_f64(x); }

/* atan(q), |q| <= 1. */
T_INLINE double t_atan_short(double q) {
    double z = q * q;
    double p = T_S10(z, -0x1.555551044fc8ap-2, 0x1.9997e0457f815p-3, -0x1.24737480bae12p-3,
                     0x1.c4f1edbf811b2p-4, -0x1.68e72a4448b4ap-4, 0x1.142327a0c54cep-4,
                     -0x1.6e1aa73a1ac82p-5, 0x1.714cccff25836p-6, -0x1.df9a27fe0cab8p-8,
                     0x1.23fba02561f76p-10); /* -31 */
    return T_FMA(q * z, p, q);
}

#define T_PI_2_HI_F32 0x1.921fb6p+0f
#define T_PI_2_LO_F32 -0x1.777a5cp-25f

/* In float32. Beyond 1: pi/2 - atan(1/x), pi/2 as 24 + 24 bits, with the remainder of the division
 * times atan's derivative 1 / (1 + z), about 1 - z/2. 0.5 ULP rounding + 0.5. */
T_INLINE float t_atan_f32(float x) {
    float a = t_at_most_f32(0x1p60f, __builtin_fabsf(x)), inverse = 1 / a;
    int big = a > 1;
    float q = big ? -inverse : a, z = q * q;
    float rest = T_FMAF(inverse, a, -1) * inverse * T_FMAF(-0.5f, z, 1);
    float p = T_F8(z, 0x1.9991e4p-3f, -0x1.242086p-3f, 0x1.c08c4cp-4f, -0x1.580902p-4f,
                   0x1.da2930p-5f, -0x1.fd7acep-6f, 0x1.641f1ap-7f, -0x1.d34afcp-10f); /* -28 */
    t_dd_f32 head = t_fast_sum_f32(big ? T_PI_2_HI_F32 : 0, q);
    float cube = q * z, cube_lo = T_FMAF(q, z, -cube);
    float low = T_FMAF(cube_lo, -0x1.55553ep-2f, big ? rest + T_PI_2_LO_F32 : 0);
    low = T_FMAF(cube, -0x1.55553ep-2f, T_FMAF(cube * z, p, low));
    return __builtin_copysignf(head.hi + (head.lo + low), x);
}

/* The quotient of the smaller by the larger magnitude, then the octant; C99's table (F.9.1.4). */
T_INLINE float t_atan2_f32(float y, float x) {
    double ay = t_fabs(y), ax = t_fabs(x), wide = x;
    int steep = ay > ax, left = (int)(t_bits(wide) >> 63);
    double above = steep ? ax : ay, below = steep ? ay : ax;
    double q = above / below;
    q = above == 0 ? 0 : q;     /* 0 / 0 */
    q = above == T_INF ? 1 : q; /* inf / inf */
    double base = steep ? T_PI_2_HI : left ? T_PI_HI : 0;
    double r = t_copysign(base + t_atan_short(steep ^ left ? -q : q), y);
    return (float)((ax != ax) | (ay != ay) ? ax + ay : r);
}

/* asin(t) / t - 1, z = t^2 <= 1/4. */
T_INLINE float t_asin_tail_f32(float z) {
    return z * T_F6(z, 0x1.55554cp-3f, 0x1.33388ep-4f, 0x1.6cac3cp-5f, 0x1.04a662p-5f,
                    0x1.d7f17ap-7f, 0x1.33bc0ep-5f); /* -32 */
}

/* |x| > 1/2: asin(|x|) = pi/2 - 2 asin(s), s = sqrt((1 - |x|) / 2); 2 s as an unevaluated sum, for
 * which the estimate of 1 / (2 s) by its bits, right to 13 %, is enough. */
T_INLINE t_dd_f32 t_chord_f32(float z) {
    float s = __builtin_sqrtf(z), rest = T_FMAF(-s, s, z);
    t_dd_f32 chord = {s + s, 2 * rest * t_float(0x7ef311c7u - t_bits_f32(s + s))};
    chord.lo = z > 0 ? chord.lo : 0;
    return chord;
}

/* asin, acos in float32: 0.5 ULP rounding + 0.3; NaN (from the square root) beyond 1. */
T_INLINE float t_asin_f32(float x) {
    float a = __builtin_fabsf(x), half = 0.5f - 0.5f * a;
    int big = a > 0.5f;
    t_dd_f32 c = t_chord_f32(half);
    float t = big ? -c.hi : a, t_lo = big ? T_PI_2_LO_F32 - c.lo : 0;
    t_dd_f32 head = t_fast_sum_f32(big ? T_PI_2_HI_F32 : 0, t);
    float low = T_FMAF(t, t_asin_tail_f32(big ? half : a * a), t_lo);
    return __builtin_copysignf(head.hi + (head.lo + low), x);
}

T_INLINE float t_acos_f32(float x) {
    float a = __builtin_fabsf(x), half = 0.5f - 0.5f * a;
    int big = a > 0.5f;
    t_dd_f32 c = t_chord_f32(half);
    float t = big ? __builtin_copysignf(c.hi, x) : -x;
    float k = big ? (x < 0 ? 2 : 0) : 1, t_lo = big ? (x < 0 ? -c.lo : c.lo) : 0;
    t_dd_f32 head = t_fast_sum_f32(k * T_PI_2_HI_F32, t);
    float low = T_FMAF(t, t_asin_tail_f32(big ? half : a * a), T_FMAF(k, T_PI_2_LO_F32, t_lo));
    return head.hi + (head.lo + low);
}

#endif
