/* Meanings for complex numbers that take more than an expression in ops_complex.def. */
#ifndef TRUENO_SCALAR_COMPLEX_H
#define TRUENO_SCALAR_COMPLEX_H

#include <float.h>

#include "math_complex.h"
#include "scalar.h"

typedef float _Complex complex64;
typedef double _Complex complex128;

#define COMPLEX(f, ...) \
    _Generic(FIRST_ARGUMENT(__VA_ARGS__, ), complex64: f##_c64, complex128: f##_c128)(__VA_ARGS__)
#define RE(x) (__real__(x))
#define IM(x) (__imag__(x))
#define PAIR(re, im) __builtin_complex(re, im)
#define CHOOSE(condition, x, y) \
    PAIR((condition) ? RE(x) : RE(y), (condition) ? IM(x) : IM(y))
#define HAS_NAN(x) ((RE(x) != RE(x)) | (IM(x) != IM(x)))

/* NumPy's order: by the real parts, then by the imaginary ones; NaN is not ordered
 * (CGT and its kin in numpy/_core/src/umath/loops.c.src). */
#define ORDERED(x, y, AFTER) \
    (((RE(x) AFTER RE(y)) & (IM(x) == IM(x)) & (IM(y) == IM(y))) | \
     ((RE(x) == RE(y)) & (IM(x) AFTER IM(y))))
#define ORDERED_OR_EQUAL(x, y, AFTER) \
    (ORDERED(x, y, AFTER) | ((RE(x) == RE(y)) & (IM(x) == IM(y))))

/* One of two numbers, chosen by bits: of a conditional the compiler may compute, on both sides,
 * what follows, and with it divisions by zero that nobody asked for. So all that hangs on the same
 * condition is chosen so. */
ALWAYS float either_f32(bool first, float x, float y) {
    uint32_t mask = 0u - first;
    return t_float((t_bits_f32(x) & mask) | (t_bits_f32(y) & ~mask));
}
ALWAYS double either_f64(bool first, double x, double y) {
    uint64_t mask = 0ull - first;
    return t_double((t_bits(x) & mask) | (t_bits(y) & ~mask));
}

/* times, square: NumPy's formula with its fused multiply-add (simd_cmul in
 * loops_arithm_fp.dispatch.c.src); infinities and NaN come as the formula gives them.
 * reciprocal: R. L. Smith, "Algorithm 116: Complex division", CACM 5 (1962), as NumPy has it.
 * sign: x / |x|, the limits on the axes at infinity, NaN between them. */
#define COMPLEX_MEANINGS(S, F, C, R, MOST, FMA) \
    ALWAYS C times_##S(C x, C y) { \
        R a = RE(x), b = IM(x), c = RE(y), d = IM(y); \
        return PAIR(FMA(a, c, -(b * d)), FMA(a, d, b * c)); \
    } \
    ALWAYS C square_##S(C x) { return times_##S(x, x); } \
    ALWAYS C reciprocal_##S(C x) { \
        R a = RE(x), b = IM(x); \
        bool real = fabs_##F(b) <= fabs_##F(a); \
        R most = either_##F(real, a, b), least = either_##F(real, b, a); \
        R ratio = least / most, divisor = most + least * ratio; \
        return PAIR(either_##F(real, 1, ratio) / divisor, \
                    -either_##F(real, ratio, 1) / divisor); \
    } \
    ALWAYS C round_##S(C x) { return PAIR(rint_##F(RE(x)), rint_##F(IM(x))); } \
    ALWAYS C sign_##S(C x) { \
        R a = RE(x), b = IM(x), length = t_abs_##S(x); \
        R divisor = length == 0 ? 1 : length, re = a / divisor, im = b / divisor; \
        R along = fabs_##F(a) > MOST ? copysign_##F(1, a) : 0; \
        R across = fabs_##F(b) > MOST ? 1 : 0, nan = along * across != 0 ? (R)NAN : 0; \
        re = length > MOST ? along + nan : length == 0 ? 0 : re; \
        im = length > MOST ? (along != 0 ? nan : copysign_##F(1, b)) : length == 0 ? 0 : im; \
        return PAIR(re, im); \
    }
COMPLEX_MEANINGS(c64, f32, complex64, float, FLT_MAX, __builtin_fmaf)
COMPLEX_MEANINGS(c128, f64, complex128, double, DBL_MAX, __builtin_fma)

#endif
