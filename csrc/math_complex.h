/* abs, exp and sqrt of complex numbers, with C99's values at zeros, infinities and NaN (annex G).
 *
 * Components carry at most 1 ULP: the parts' functions are taken as unevaluated sums, or in double
 * for float32, so that only the last rounding counts. */
#ifndef TRUENO_MATH_COMPLEX_H
#define TRUENO_MATH_COMPLEX_H

#include "math_f32_exp.h"
#include "math_f32_trig.h"
#include "math_f64_big.h"
#include "math_f64_exp.h"
#include "math_f64_root.h"

static inline double t_abs_c128(double _Complex z) {
    return t_hypot_f64(__real__ z, __imag__ z);
}

/* As t_hypot_f64 in float32, which has twice as many elements a vector: 0.5 ULP + 0.4. */
static inline float t_abs_c64(float _Complex z) {
    float ax = __builtin_fabsf(__real__ z), ay = __builtin_fabsf(__imag__ z);
    float a = ax < ay ? ay : ax, b = ax < ay ? ax : ay;
    float scale = a > 0x1p62f ? 0x1p-75f : a < 0x1p-40f ? 0x1p75f : 1;
    float back = a > 0x1p62f ? 0x1p75f : a < 0x1p-40f ? 0x1p-75f : 1;
    a *= scale;
    b *= scale;
    float r = __builtin_sqrtf(__builtin_fmaf(a, a, b * b)) * back;
    return (ax == (float)T_INF) | (ay == (float)T_INF) ? (float)T_INF : r;
}

/* exp(x + iy) from the exponential's two components, where y is finite or the product NaN. */
#define T_EXP_SPECIAL(x, y, re, im) do { \
        int beyond = !(t_fabs(y) < T_INF); /* y is infinite or NaN */ \
        re = beyond & (x == T_INF) ? x : beyond & (x == -T_INF) ? 0 : re; \
        im = y == 0 ? y : beyond & (x == -T_INF) ? t_copysign(0, y) : im; \
    } while (0)

/* (hi + lo) s 2^n, n in u. A sine may be as small as 2^-1074 and n as large as 2107: the
 * sine is lifted by 2^512, n lowered, so that no product but the last leaves the normal range. */
T_INLINE double t_exp_component_f64(t_exponential e, t_dd s) {
    double hi = s.hi * 0x1p512, lo = s.lo * 0x1p512;
    t_dd p = t_product(hi, e.hi);
    p.lo += T_FMA(hi, e.lo, lo * e.hi);
    return t_scale(p.hi + p.lo, e.u - 512);
}

T_INLINE double _Complex t_exp_quadrant_c128(double x, double y, t_quadrant q) {
    /* beyond the clamps even the smallest sine overflows, even cos(0) vanishes */
    t_exponential e = t_exp_parts_f64(t_at_most(1460, t_at_least(-746, x)), 0);
    double z = q.hi * q.hi;
    t_dd s = t_sin_core_f64(q.hi, q.lo, z), c = t_cos_core_f64(q.hi, q.lo, z);
    s = t_fast_sum(s.hi, s.lo);
    c = t_fast_sum(c.hi, c.lo);
    int odd = (q.u & 1) != 0;
    t_dd sine = {odd ? c.hi : s.hi, odd ? c.lo : s.lo};
    t_dd cosine = {odd ? s.hi : c.hi, odd ? s.lo : c.lo};
    double re = t_exp_component_f64(e, cosine), im = t_exp_component_f64(e, sine);
    re = t_double(t_bits(re) ^ ((q.u + 1) << 62 & T_SIGN));
    im = t_double(t_bits(im) ^ (q.u << 62 & T_SIGN));
    T_EXP_SPECIAL(x, y, re, im);
    return __builtin_complex(re, im);
}

T_INLINE double _Complex t_exp_c128(double _Complex z) {
    return t_exp_quadrant_c128(__real__ z, __imag__ z, t_reduce_f64(__imag__ z));
}

/* Any angle, scalar. */
T_INLINE double _Complex t_exp_big_c128(double _Complex z) {
    return t_exp_quadrant_c128(__real__ z, __imag__ z, t_reduce_any_f64(__imag__ z));
}

T_INLINE float _Complex t_exp_c64(float _Complex z) {
    double x = __real__ z, y = __imag__ z;
    double e = t_exp_short(t_at_most(200, t_at_least(-200, x)));
    double re = e * t_cos_wide(y), im = e * t_sin_wide(y);
    T_EXP_SPECIAL(x, y, re, im);
    return __builtin_complex((float)re, (float)im);
}

T_INLINE float _Complex t_exp_big_c64(float _Complex z) {
    double re = (double)__real__ z, im = (double)__imag__ z;
    double _Complex wide = t_exp_big_c128(__builtin_complex(re, im));
    return __builtin_complex((float)__real__ wide, (float)__imag__ wide);
}

/* sqrt(a + ib), b of a's kind: t = sqrt((|a| + |z|) / 2) and b / (2 t), exchanged where a < 0. */
#define T_SQRT_SPECIAL(a, b, t, other) do { \
        int down = a < 0, all = t_fabs(b) == T_INF; \
        int zero = (a == 0) & (b == 0), along = (t_fabs(a) == T_INF) & !all; \
        t = zero ? 0 : all ? T_INF : along ? t_fabs(a) : t; \
        int same = ((b == 0) & (a == a)) | all | (b != b); \
        other = same ? b : along ? t_copysign(0, b) : other; \
        double re = down & !all ? t_fabs(other) : t; \
        double im = down & !all ? t_copysign(t, b) : other; \
        t = re; \
        other = im; \
    } while (0)

/* |z| and t with their rounding errors; the squares are kept from overflow and underflow as in
 * t_hypot_f64, by powers of 4. */
T_INLINE double _Complex t_sqrt_c128(double _Complex z) {
    double a = __real__ z, b = __imag__ z, x = t_fabs(a), y = t_fabs(b), most = x < y ? y : x;
    int big = most > 0x1p510, small = most < 0x1p-450;
    double scale = big ? 0x1p-600 : small ? 0x1p600 : 1;
    double back = big ? 0x1p300 : small ? 0x1p-300 : 1;
    x *= scale;
    y *= scale;
    t_dd s = t_product(x, x), y2 = t_product(y, y), sum = t_sum(s.hi, y2.hi);
    double rest = sum.lo + (s.lo + y2.lo);
    double length = __builtin_sqrt(sum.hi);
    double length_lo = (T_FMA(-length, length, sum.hi) + rest) / (2 * length);
    t_dd twice = t_sum(x, length); /* 2 t^2 */
    twice.lo += length_lo;
    double half = 0.5 * twice.hi, t = __builtin_sqrt(half);
    double t_lo = (T_FMA(-t, t, half) + 0.5 * twice.lo) / (2 * t);
    double divisor = 2 * t * back, q = b / divisor;
    double residual = T_FMA(-q, divisor, b) - q * (2 * t_lo * back);
    double other = q + residual / divisor;
    t = (t + t_lo) * back;
    T_SQRT_SPECIAL(a, b, t, other);
    return __builtin_complex(t, other);
}

T_INLINE float _Complex t_sqrt_c64(float _Complex z) {
    double a = __real__ z, b = __imag__ z;
    double t = __builtin_sqrt(0.5 * (t_fabs(a) + __builtin_sqrt(T_FMA(a, a, b * b))));
    double other = b / (2 * t);
    T_SQRT_SPECIAL(a, b, t, other);
    return __builtin_complex((float)t, (float)other);
}

#endif
