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

/* Quotients of at most 32 bits come out exact from a floating-point division, which vectorises:
 * a quotient lies at least 1/y from the next integer, more than double rounding can bridge
 * (float: for 16 bits). */
#define QUOTIENT(x, y, T) \
    (sizeof(T) <= 2   ? (T)(int32_t)((float)(x) / (float)(y)) \
     : sizeof(T) == 4 ? (T)(int64_t)((double)(x) / (double)(y)) \
                      : (T)((x) / (y)))
#define NO_QUOTIENT(x, y, T) ((y) == 0 || (IS_SIGNED(T) && (y) == (T)-1))
/* A divisor in whose place 1 gives the remainder 0 that NumPy wants. */
#define SAFE_DIVISOR(x, y, T) (NO_QUOTIENT(x, y, T) ? (T)1 : (T)(y))

#define int_floor_divide(x, y, T) \
    ((y) == 0 ? (T)0 : IS_SIGNED(T) && (y) == (T)-1 ? (T)(0 - (uint64_t)(x)) \
     : (T)(QUOTIENT(x, SAFE_DIVISOR(x, y, T), T) - \
           (int_fmod(x, y, T) != 0 && ((x) < 0) != ((y) < 0))))
#define int_fmod(x, y, T) \
    ((T)((x) - (T)(QUOTIENT(x, SAFE_DIVISOR(x, y, T), T) * (uint64_t)SAFE_DIVISOR(x, y, T))))
#define int_remainder(x, y, T) \
    ((y) == 0 ? (T)0 \
     : (T)(int_fmod(x, y, T) + \
           (int_fmod(x, y, T) != 0 && ((x) < 0) != ((y) < 0) ? (T)(y) : (T)0)))
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

/* npy_divmod of NumPy's npymath: the floored quotient, exact to the last bit, and the remainder
 * with the divisor's sign. */
#define DIVMOD(S, T) \
    ALWAYS T floor_divide_##S(T x, T y) { \
        if (y == 0) return x / y; \
        T mod = fmod_##S(x, y), div = (x - mod) / y; \
        if (mod != 0 && (y < 0) != (mod < 0)) div -= 1; \
        if (div == 0) return copysign_##S(0, x / y); \
        T whole = floor_##S(div); \
        return div - whole > (T)0.5 ? whole + 1 : whole; \
    } \
    ALWAYS T remainder_##S(T x, T y) { \
        T mod = fmod_##S(x, y); \
        if (y == 0) return mod; \
        if (mod == 0) return copysign_##S(0, y); \
        return (y < 0) != (mod < 0) ? mod + y : mod; \
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
