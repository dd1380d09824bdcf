/* float32 error function, computed in double with short polynomials. */
#ifndef TRUENO_MATH_F32_ERF_H
#define TRUENO_MATH_F32_ERF_H

#include "math_bits.h"
#include "math_f32_exp.h"

/* erf(x) = x P(x^2) up to 3.93, where it rounds to 1. */
T_INLINE double t_erf_short(double x) {
    double c = t_at_most(3.93, t_at_least(-3.93, x));
    double p = T_S18(c * c, 0x1.20dd74ff323dcp+0, -0x1.812743bd336afp-2, 0x1.ce2ed4e436b7bp-4,
                     -0x1.b829b9a564c2ap-6, 0x1.5649e077b243ap-8, -0x1.bfaff1ac072e4p-11,
                     0x1.f75165c3ff2cbp-14, -0x1.ed09a52ed93bcp-17, 0x1.a69bfa4047342p-20,
                     -0x1.3b251a71eb2aep-23, 0x1.92bb50eee46eap-27, -0x1.af0df722f176bp-31,
                     0x1.7779d2961c88fp-35, -0x1.00fb9589fd209p-39, 0x1.080bc13001287p-44,
                     -0x1.7cc980da4bca9p-50, 0x1.5634cde20055bp-56,
                     -0x1.1f89c24093c76p-63); /* -29.9 */
    return c * p;
}

T_INLINE float t_erf_f32(float x) { return (float)t_erf_short(x); }

/* erfc(a), 0 <= a, relative error 2^-27: exp(-a^2) P(t) / (1 + 2 a), t = (a - 2) / (a + 2)
 * (Shepherd & Laframboise 1981, see math_f64_erf.h); both quotients by one division. */
T_INLINE double t_erfc_short(double a) {
    double c = t_at_most(10.6, a), plus = c + 2, below = T_FMA(2, c, 1);
    double inverse = 1 / (plus * below);
    double t = (c - 2) * below * inverse;
    double p = T_S13(t, 0x1.46e80e23c0fdep+0, -0x1.7bf5ec97d5aa7p-4, -0x1.5407c3d674bb7p-3,
                     0x1.4ffa27592cc49p-3, -0x1.bc29e44db2c35p-5, -0x1.0746943294dd9p-7,
                     0x1.1d9c9c6fbcc5dp-7, 0x1.4d3bbbc759861p-10, -0x1.77a48277379cbp-10,
                     -0x1.cfbfe2eff00adp-12, 0x1.5e2d190c61f59p-13, 0x1.dc611ae044683p-14,
                     0x1.1565cdfd7af98p-16); /* -32 */
    return t_exp_short(-c * c) * p * (plus * inverse);
}

T_INLINE float t_erfc_f32(float x) {
    double tail = t_erfc_short(t_fabs(x));
    return (float)(x < 0 ? 2 - tail : tail);
}

#endif
