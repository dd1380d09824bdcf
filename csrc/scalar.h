/* Scalar meanings that take more than an expression in ops.def. */
#ifndef TRUENO_SCALAR_H
#define TRUENO_SCALAR_H

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define ALWAYS static inline __attribute__((always_inline, unused))

/* ---- integers: NumPy's results where C has none; the conditions come from check_divisor */

#define IS_SIGNED(T) ((T)-1 < (T)0)
#define LOWEST(T) ((T)((uint64_t)IS_SIGNED(T) << (8 * sizeof(T) - 1)))

/* 1/0 is what NumPy's conversion of infinity gives on x86-64. */
#define int_reciprocal(x, T) \
    ((x) == 0 ? (T)(sizeof(T) < 4 ? 0 : LOWEST(T)) \
     : (x) == 1 || ((x) < 0 && (x) == (T)-1) ? (x) : 0)

ALWAYS uint64_t power_u64(uint64_t base, uint64_t exponent) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1, base *= base)
        if (exponent & 1) result *= base;
    return result;
}

#define greater(x, y, T) ((T)((x) > (y) || (x) != (x) ? (x) : (y)))
#define lesser(x, y, T) ((T)((x) < (y) || (x) != (x) ? (x) : (y)))

/* ---- floats */

#define FIRST_ARGUMENT(x, ...) (x)
#define FLOAT(f, ...) \
    _Generic(FIRST_ARGUMENT(__VA_ARGS__, ), float: f##_f32, double: f##_f64)(__VA_ARGS__)

#define fabs_f32 fabsf
#define fabs_f64 fabs
#define sqrt_f32 sqrtf
#define sqrt_f64 sqrt
#define floor_f32 floorf
#define floor_f64 floor
#define ceil_f32 ceilf
#define ceil_f64 ceil
#define trunc_f32 truncf
#define trunc_f64 trunc
#define rint_f32 rintf
#define rint_f64 rint
#define fmod_f32 fmodf
#define fmod_f64 fmod
#define copysign_f32 copysignf
#define copysign_f64 copysign

ALWAYS int32_t bits_f32(float x) { int32_t u; memcpy(&u, &x, sizeof u); return u; }
ALWAYS int64_t bits_f64(double x) { int64_t u; memcpy(&u, &x, sizeof u); return u; }
ALWAYS float from_bits_f32(int32_t u) { float x; memcpy(&x, &u, sizeof x); return x; }
ALWAYS double from_bits_f64(int64_t u) { double x; memcpy(&x, &u, sizeof x); return x; }

/* The remainder of a quotient below QUOTIENT_LIMIT, exact: the rounded quotient is right or 1 too
 * large, the product is exact (24 + 28 bits, or inside the fma), and so is their difference. */
#define QUOTIENT_LIMIT_f32 0x1p28f
#define QUOTIENT_LIMIT_f64 0x1p52
ALWAYS float near_fmod_f32(float x, float y) {
    double a = fabsf(x), b = fabsf(y), rest = a - trunc(a / b) * b;
    return copysignf((float)(rest < 0 ? rest + b : rest), x);
}
#if defined(__FMA__) || defined(__aarch64__)
ALWAYS double near_fmod_f64(double x, double y) {
    double a = fabs(x), b = fabs(y), rest = fma(-trunc(a / b), b, a);
    return copysign(rest < 0 ? rest + b : rest, x);
}
#else /* fma is a slow function there; both are exact, so that the bits are the same */
ALWAYS double near_fmod_f64(double x, double y) { return fmod(x, y); }
#endif

/* npy_divmod of NumPy's npymath, given mod = fmod(x, y): the floored quotient, exact to the last
 * bit, and the remainder with the divisor's sign. */
#define DIVMOD(S, T) \
    ALWAYS T finish_fmod_##S(T x, T y, T mod) { \
        (void)x, (void)y; \
        return mod; \
    } \
    ALWAYS T finish_floor_divide_##S(T x, T y, T mod) { \
        T div = (x - mod) / y; \
        div = mod != 0 && (y < 0) != (mod < 0) ? div - 1 : div; \
        T whole = floor_##S(div), zero = copysign_##S(0, x / y); \
        whole = div - whole > (T)0.5 ? whole + 1 : whole; \
        return y == 0 ? x / y : div == 0 ? zero : whole; \
    } \
    ALWAYS T finish_remainder_##S(T x, T y, T mod) { \
        T moved = (y < 0) != (mod < 0) ? mod + y : mod; \
        (void)x; \
        return y == 0 ? mod : mod == 0 ? copysign_##S(0, y) : moved; \
    }
DIVMOD(f32, float)
DIVMOD(f64, double)

/* The bits of neighbouring floats of one sign are neighbouring integers. */
#define NEXTAFTER(S, T, I) \
    ALWAYS T nextafter_##S(T x, T y) { \
        I u = bits_##S(x); \
        I step = (x < y) == (x > 0) ? 1 : -1; \
        T next = x == 0 ? copysign_##S(from_bits_##S(1), y) : from_bits_##S(u + step); \
        return x != x || y != y ? x + y : x == y ? y : next; \
    }
NEXTAFTER(f32, float, int32_t)
NEXTAFTER(f64, double, int64_t)

/* ---- float16, where its bits do: NumPy's halves take the first of two equal zeros */

ALWAYS bool is_nan_f16(uint16_t x) { return (x & 0x7fff) > 0x7c00; }
ALWAYS int order_f16(uint16_t x) { return x & 0x8000 ? -(x & 0x7fff) : x; }

#define greater_f16(x, y) (order_f16(x) >= order_f16(y) || is_nan_f16(x) ? (x) : (y))
#define lesser_f16(x, y) (order_f16(x) <= order_f16(y) || is_nan_f16(x) ? (x) : (y))
#define not_nan_f16(x, y, choice) (is_nan_f16(x) ? (y) : is_nan_f16(y) ? (x) : (choice))

/* A NaN operand `y` has an order too, above infinity or below: it must win. */
ALWAYS uint16_t maximum_f16(uint16_t x, uint16_t y) {
    return is_nan_f16(y) && !is_nan_f16(x) ? y : greater_f16(x, y);
}
ALWAYS uint16_t minimum_f16(uint16_t x, uint16_t y) {
    return is_nan_f16(y) && !is_nan_f16(x) ? y : lesser_f16(x, y);
}
ALWAYS uint16_t clip_f16(uint16_t x, uint16_t least, uint16_t most) {
    return minimum_f16(maximum_f16(x, least), most);
}
ALWAYS uint16_t fmax_f16(uint16_t x, uint16_t y) {
    return not_nan_f16(x, y, greater_f16(x, y));
}
ALWAYS uint16_t fmin_f16(uint16_t x, uint16_t y) {
    return not_nan_f16(x, y, lesser_f16(x, y));
}

ALWAYS uint16_t nextafter_f16(uint16_t x, uint16_t y) {
    int a = order_f16(x), b = order_f16(y);
    if (is_nan_f16(x) || is_nan_f16(y)) return 0x7e00;
    if (a == b) return x;
    if (a == 0) return (uint16_t)((y & 0x8000) | 1);
    return (uint16_t)((a < b) == (a > 0) ? x + 1 : x - 1);
}

#endif
