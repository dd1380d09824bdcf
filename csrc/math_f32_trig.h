/* float32 trigonometric functions, computed in double with short polynomials. */
#ifndef TRUENO_MATH_F32_TRIG_H
#define TRUENO_MATH_F32_TRIG_H

#include "math_bits.h"

#define T_TRIG_LIMIT_F32 0x1p40f

#define T_1_PI 0x1.45f306dc9c883p-2
#define T_PI_HI 0x1.921fb54442d18p+1
#define T_PI_LO 0x1.1a62633145c07p-53

/* sin(r + n pi), |r| <= pi/2; the low bit of u is n's. */
static inline double t_sin_short(double r, uint64_t u) {
    double z = r * r;
    double p = T_P5(z, -0x1.55555547573f3p-3, 0x1.11110c450c5eep-7, -0x1.a017d7f52bc88p-13,
                    0x1.717047e5f0f8bp-19, -0x1.9a63751c11888p-26); /* -35 */
    return t_double(t_bits(T_FMA(r * z, p, r)) ^ u << 63);
}

/* x - n pi with pi as 53 + 53 bits. For |x| <= 2^40 the first difference is exact (Cody & Waite
 * 1980), the second leaves n 2^-107 against |r| > 2^-33 for the float32 numbers of this range. */
static inline float t_sin_f32(float x) {
    double n = T_FMA(x, T_1_PI, T_ROUND);
    uint64_t u = t_bits(n);
    n -= T_ROUND;
    double r = t_sin_short(T_FMA(-n, T_PI_LO, T_FMA(-n, T_PI_HI, x)), u);
    return x == 0 ? x : (float)r;
}

/* cos(x) = sin(x + pi/2): n is a half-integer, rounded from x / pi + 1/2. */
static inline float t_cos_f32(float x) {
    double n = T_FMA(x, T_1_PI, 0.5) + T_ROUND;
    uint64_t u = t_bits(n);
    n = (n - T_ROUND) - 0.5;
    return (float)t_sin_short(T_FMA(-n, T_PI_LO, T_FMA(-n, T_PI_HI, x)), u);
}

#endif
