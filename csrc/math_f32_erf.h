/* float32 error function, computed in double with short polynomials. */
#ifndef TRUENO_MATH_F32_ERF_H
#define TRUENO_MATH_F32_ERF_H

#include "math_bits.h"

/* erf(x) = x P(x^2) up to 3.93, where it rounds to 1. */
static inline double t_erf_short(double x) {
    double c = t_at_most(3.93, t_at_least(-3.93, x));
    double p = T_P18(c * c, 0x1.20dd74ff323dcp+0, -0x1.812743bd336afp-2, 0x1.ce2ed4e436b7bp-4,
                     -0x1.b829b9a564c2ap-6, 0x1.5649e077b243ap-8, -0x1.bfaff1ac072e4p-11,
                     0x1.f75165c3ff2cbp-14, -0x1.ed09a52ed93bcp-17, 0x1.a69bfa4047342p-20,
                     -0x1.3b251a71eb2aep-23, 0x1.92bb50eee46eap-27, -0x1.af0df722f176bp-31,
                     0x1.7779d2961c88fp-35, -0x1.00fb9589fd209p-39, 0x1.080bc13001287p-44,
                     -0x1.7cc980da4bca9p-50, 0x1.5634cde20055bp-56,
                     -0x1.1f89c24093c76p-63); /* -29.9 */
    return c * p;
}

static inline float t_erf_f32(float x) { return (float)t_erf_short(x); }

#endif
