/* The loops of ops_complex.def and their conditions: part of kernels.c. The compiler vectorises
 * them on interleaved parts. */
#ifndef TRUENO_KERNELS_COMPLEX_H
#define TRUENO_KERNELS_COMPLEX_H

#define LENGTH_LOOP(S, MEMORY, T, name, expression) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_; \
        __typeof__(RE(*xs)) *out = out_; \
        EACH { T x = xs[i]; out[i] = expression; } \
    }
#define PAIR_SELECT_LOOP(S, MEMORY, T, name) \
    LOOP(name##_loop_##S) { \
        const uint8_t *xs = x_; \
        const T *ys = y_, *zs = z_; \
        T *out = out_; \
        EACH { T y = ys[i], z = zs[i]; out[i] = CHOOSE(xs[i], y, z); } \
    }
/* Smith's algorithm, as reciprocal_c64. Zero divisors, which NumPy makes real, and NaN, at which
 * its comparison is invalid, are rare: a tile that holds one is divided element by element. */
#define COMPLEX_DIVISION(S, F, C, R) \
    ALWAYS C quotient_##S(C x, C y, bool real) { \
        R most = either_##F(real, RE(y), IM(y)), least = either_##F(real, IM(y), RE(y)); \
        R a = either_##F(real, RE(x), IM(x)), b = either_##F(real, IM(x), RE(x)); \
        R ratio = least / most, scale = 1 / (most + least * ratio), product = a * ratio; \
        return PAIR((a + b * ratio) * scale, \
                    either_##F(real, b - product, product - b) * scale); \
    } \
    LOOP(divide_loop_##S) { \
        const C *xs = x_, *ys = y_; \
        C *out = out_; \
        int special = 0; \
        EACH special |= ((RE(ys[i]) == 0) & (IM(ys[i]) == 0)) | HAS_NAN(ys[i]); \
        if (!special) { \
            EACH out[i] = quotient_##S(xs[i], ys[i], \
                                       fabs_##F(RE(ys[i])) >= fabs_##F(IM(ys[i]))); \
            return; \
        } \
        for (int64_t i = 0; i < n; i++) { \
            C x = xs[i], y = ys[i]; \
            R re = fabs_##F(RE(y)), im = fabs_##F(IM(y)); \
            if (re == 0 && im == 0) out[i] = PAIR(RE(x) / re, IM(x) / re); \
            else out[i] = quotient_##S(x, y, re >= im); \
        } \
    }
COMPLEX_DIVISION(c64, f32, complex64, float)
COMPLEX_DIVISION(c128, f64, complex128, double)

/* As TRIG_LOOP: angles beyond the reach of the fast reduction. */
#define ANGLE_LOOP(S, F, LIMIT, T, name) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_; \
        T *out = out_; \
        int big = 0; \
        EACH big |= fabs_##F(IM(xs[i])) > LIMIT; \
        if (!big) { \
            EACH out[i] = t_##name##_##S(xs[i]); \
        } else { \
            for (int64_t i = 0; i < n; i++) \
                out[i] = fabs_##F(IM(xs[i])) > LIMIT ? t_##name##_big_##S(xs[i]) \
                                                     : t_##name##_##S(xs[i]); \
        } \
    }

#define UNARY(name, expression) COMPLEXES(UNARY_LOOP, name, expression)
#define BINARY(name, expression) COMPLEXES(BINARY_LOOP, name, expression)
#define PREDICATE(name, expression) COMPLEXES(PREDICATE_LOOP, name, expression)
#define COMPARE(name, expression) COMPLEXES(COMPARE_LOOP, name, expression)
#define LENGTH(name, expression) COMPLEXES(LENGTH_LOOP, name, expression)
#define SELECT(name) COMPLEXES(PAIR_SELECT_LOOP, name)
#define DIVISION(name)
#define ANGLE(name) \
    ANGLE_LOOP(c64, f32, T_TRIG_LIMIT_F32, complex64, name) \
    ANGLE_LOOP(c128, f64, T_TRIG_LIMIT_F64, complex128, name)
#include "ops_complex.def"
#include "undef.h"

/* ---- conditions */

/* NumPy's comparisons look at the imaginary parts of equal real ones alone; NaN is invalid. */
#define CHECK_ORDER(S, C) \
    static int check_order_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                               int wanted, int pole) { \
        const C *xs = x_, *ys = y_; \
        int invalid = 0; \
        EACH { \
            C x = xs[i], y = ys[i]; \
            bool apart = (RE(x) != RE(x)) | (RE(y) != RE(y)); \
            bool inside = (IM(x) != IM(x)) | (IM(y) != IM(y)); \
            invalid |= apart | ((RE(x) == RE(y)) & inside); \
        } \
        return invalid ? wanted & INVALID : 0; \
    }
CHECK_ORDER(c64, complex64)
CHECK_ORDER(c128, complex128)

/* A finite number whose absolute value is not: seldom is a part even half that large. */
#define CHECK_LENGTH(S, F, C, R, HALF) \
    static int check_length_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                                int wanted, int pole) { \
        const C *xs = x_; \
        int large = 0, over = 0; \
        EACH large |= (fabs_##F(RE(xs[i])) >= HALF) | (fabs_##F(IM(xs[i])) >= HALF); \
        for (int64_t i = 0; large && i < n; i++) { \
            R a = fabs_##F(RE(xs[i])), b = fabs_##F(IM(xs[i])); \
            over |= a < (R)INFINITY && b < (R)INFINITY && t_abs_##S(xs[i]) == (R)INFINITY; \
        } \
        return over ? wanted & OVERFLOW : 0; \
    }
CHECK_LENGTH(c64, f32, complex64, float, 0x1p127f)
CHECK_LENGTH(c128, f64, complex128, double, 0x1p1023)

/* C99 (annex G.6.3.1) lets exp of some NaN be invalid, and the C library that NumPy calls takes
 * them all: but not of real NaN, of NaN + NaN i, and of infinity + NaN i. */
#define CHECK_EXP(S, F, C, R, TINIEST) \
    static int check_exp_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                             int wanted, int pole) { \
        const C *xs = x_, *rs = r_; \
        int special = 0, invalid = 0, over = 0, under = 0; \
        EACH { \
            R re = fabs_##F(RE(rs[i])), im = fabs_##F(IM(rs[i])); \
            bool tiny = (re < TINIEST) | ((im < TINIEST) & (IM(xs[i]) != 0)); \
            special |= tiny | !((re < (R)INFINITY) & (im < (R)INFINITY)); \
        } \
        for (int64_t i = 0; special && i < n; i++) { \
            R x = RE(xs[i]), y = IM(xs[i]), re = fabs_##F(RE(rs[i])), im = fabs_##F(IM(rs[i])); \
            bool finite = fabs_##F(x) < (R)INFINITY && fabs_##F(y) < (R)INFINITY; \
            bool quiet = x == (R)INFINITY ? y != y : x != x && (y == 0 || y != y); \
            over |= finite && (re == (R)INFINITY || im == (R)INFINITY); \
            under |= finite && (re < TINIEST || (im < TINIEST && y != 0)); \
            invalid |= (re != re || im != im) && !quiet; \
        } \
        return wanted & ((over ? OVERFLOW : 0) | (under ? UNDERFLOW : 0) | \
                         (invalid ? INVALID : 0)); \
    }
CHECK_EXP(c64, f32, complex64, float, 0x1p-126f)
CHECK_EXP(c128, f64, complex128, double, 0x1p-1022)

#endif
