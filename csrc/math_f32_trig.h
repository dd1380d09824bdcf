/* float32 trigonometric functions, computed in double with short polynomials. */
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

/* Beyond 1: pi/2 - atan(1/x). */
T_INLINE float t_atan_f32(float x) {
    double a = t_fabs(x);
    int big = a > 1;
    double r = (big ? T_PI_2_HI : 0) + t_atan_short(big ? -1 / a : a);
    return (float)t_copysign(r, x);
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
T_INLINE double t_asin_tail_short(double z) {
    return z * T_P6(z, 0x1.55554c36c960ap-3, 0x1.33388eabd413fp-4, 0x1.6cac3b144fe56p-5,
                    0x1.04a662f2f7882p-5, 0x1.d7f17a87a5c84p-7, 0x1.33bc0e93f4658p-5); /* -32 */
}

/* |x| > 1/2: pi/2 - 2 asin(sqrt((1 - |x|) / 2)). */
T_INLINE float t_asin_f32(float x) {
    double a = t_fabs(x);
    int big = a > 0.5;
    double half = 0.5 * (1 - a), z = big ? half : a * a;
    double t = big ? -2 * __builtin_sqrt(half) : a;
    double r = (big ? T_PI_2_HI : 0) + T_FMA(t, t_asin_tail_short(z), t);
    return (float)t_copysign(r, x);
}

T_INLINE float t_acos_f32(float x) {
    double wide = x, a = t_fabs(wide);
    int big = a > 0.5;
    double half = 0.5 * (1 - a), z = big ? half : a * a;
    double s = t_copysign(2 * __builtin_sqrt(half), wide);
    double t = big ? s : -wide;
    double base = big ? (x < 0 ? T_PI_HI : 0) : T_PI_2_HI;
    return (float)(base + T_FMA(t, t_asin_tail_short(z), t));
}

#endif
