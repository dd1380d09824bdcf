/* Integer division with NumPy's results where C has none; the conditions come from check_divisor.
 *
 * A quotient rounded down (by one divisor, or by nearby doubles) makes FLOORED_name the operation's
 * result, one rounded towards zero CUT_name. */
#ifndef TRUENO_DIVISION_H
#define TRUENO_DIVISION_H

#include "convert.h"
#include "scalar.h"

/* d is 1 in place of divisors that have no quotient, 0 and, for the lowest number, -1. */
#define QUOTIENT_OR_NONE(x, y, q, T) \
    ((y) == 0 ? 0 : IS_SIGNED(T) && (y) == (T)-1 ? (T)(0 - (x)) : (T)(q))
#define BETWEEN(rest, x, d) ((rest) != 0 && ((x) < 0) != ((d) < 0)) /* not rounded alike */

#define FLOORED_floor_divide(x, y, d, q, rest, T) ((void)(rest), QUOTIENT_OR_NONE(x, y, q, T))
#define FLOORED_remainder(x, y, d, q, rest, T) (rest)
#define FLOORED_fmod(x, y, d, q, rest, T) (BETWEEN(rest, x, d) ? (T)((rest) - (d)) : (rest))

#define CUT_floor_divide(x, y, d, q, rest, T) QUOTIENT_OR_NONE(x, y, (q) - BETWEEN(rest, x, d), T)
#define CUT_remainder(x, y, d, q, rest, T) \
    ((void)(q), BETWEEN(rest, x, d) ? (T)((rest) + (d)) : (rest))
#define CUT_fmod(x, y, d, q, rest, T) ((void)(q), (rest))

#define NO_QUOTIENT(y, T) (((y) == 0) | (IS_SIGNED(T) & ((y) == (T)-1)))

/* ---- up to 32 bits: a quotient lies at least 1/y from the next integer, more than the rounding
 * of a double can bridge (of a float for 16 bits) */

ALWAYS double widen_u32(uint32_t x) {
    return from_bits_f64((int64_t)(x | 0x4330000000000000)) - 0x1p52;
}
#define SHORT_QUOTIENT(x, d, T) \
    (sizeof(T) <= 2  ? (T)(int32_t)((float)(x) / (float)(d)) \
     : IS_SIGNED(T) ? (T)(int32_t)((double)(x) / (double)(d)) \
                    : (T)to_u32_f64(widen_u32((uint32_t)(x)) / widen_u32((uint32_t)(d))))

/* ---- 64 bits: by the divisor's reciprocal where vectors of such integers can be converted and
 * multiplied. Two steps, each from below: of a quotient that the first leaves less than 2^-49 of,
 * the second leaves less than 1 + 2^-33, and then at most one more divisor fits. */

ALWAYS uint64_t divide_long(uint64_t x, uint64_t d, uint64_t *rest) {
    double inverse = (1 - 0x1p-50) / (double)d;
    uint64_t q = (uint64_t)((double)x * inverse), r = x - q * d;
    uint64_t more = (uint64_t)((double)r * inverse);
    q += more;
    r -= more * d;
    *rest = r >= d ? r - d : r;
    return r >= d ? q + 1 : q;
}

/* Elsewhere most integers are small enough to be doubles: up to 2^51 adding 1.5 * 2^52 converts
 * them, either way. The quotient is rounded; if upwards, the rest has the wrong sign. */
#define IN_DOUBLE(T) (50 + IS_SIGNED(T)) /* NEAR(x) has no higher bit where x is near enough */
#define NEAR(x, T) ((uint64_t)(x) + (IS_SIGNED(T) ? (uint64_t)1 << 50 : 0))
#define LONG_ROUND 0x1.8p52

ALWAYS double widen_near(int64_t x) {
    return from_bits_f64((int64_t)((uint64_t)x + 0x4338000000000000)) - LONG_ROUND;
}
ALWAYS int64_t divide_near(int64_t x, int64_t d) {
    double a = widen_near(x), b = widen_near(d), sum = a / b + LONG_ROUND;
    int64_t q = bits_f64(sum) - 0x4338000000000000;
#if defined(__FMA__) || defined(__aarch64__)
    double rest = fma(LONG_ROUND - sum, b, a);
#else
    int64_t rest = x - q * d;
#endif
    return rest != 0 && (rest < 0) != (d < 0) ? q - 1 : q;
}

/* ---- all elements by one divisor: T. Granlund and P. L. Montgomery, "Division by invariant
 * integers using multiplication", PLDI 1994, figure 4.1 */

#define INVERSE(S, U, WIDE) \
    typedef struct { U multiplier; int first, second; } Inverse_##S; \
    ALWAYS Inverse_##S invert_##S(U d) { \
        int log = d > 1 ? 64 - __builtin_clzll((uint64_t)d - 1) : 0; \
        WIDE rest = (WIDE)((WIDE)1 << log) - d; \
        U multiplier = (U)((WIDE)(rest << 8 * sizeof(U)) / d + 1); \
        return (Inverse_##S){multiplier, log < 1 ? log : 1, log > 1 ? log - 1 : 0}; \
    } \
    ALWAYS U high_##S(U x, U y) { return (U)((WIDE)x * y >> 8 * sizeof(U)); } \
    ALWAYS U divide_by_##S(U x, Inverse_##S v) { \
        U t = high_##S(v.multiplier, x); \
        return (U)((U)(t + ((U)(x - t) >> v.first)) >> v.second); \
    }
INVERSE(uint8_t, uint8_t, uint16_t)
INVERSE(uint16_t, uint16_t, uint32_t)
INVERSE(uint32_t, uint32_t, uint64_t)
INVERSE(uint64_t, uint64_t, unsigned __int128)

/* As many quotients: for 64 bits from four products of halves, which vectorise. */
#define DIVIDE_ALL(U) \
    ALWAYS void divide_all_##U(U *xs, int n, Inverse_##U v) { \
        for (int i = 0; i < n; i++) xs[i] = divide_by_##U(xs[i], v); \
    }
DIVIDE_ALL(uint8_t)
DIVIDE_ALL(uint16_t)
DIVIDE_ALL(uint32_t)

#if defined(__AVX512F__)
typedef uint64_t Longs __attribute__((vector_size(64)));
#define HALVES_PRODUCT(x, y) (Longs)_mm512_mul_epu32((__m512i)(x), (__m512i)(y))
#elif defined(__AVX2__)
typedef uint64_t Longs __attribute__((vector_size(32)));
#define HALVES_PRODUCT(x, y) (Longs)_mm256_mul_epu32((__m256i)(x), (__m256i)(y))
#elif defined(__SSE2__)
typedef uint64_t Longs __attribute__((vector_size(16)));
#define HALVES_PRODUCT(x, y) (Longs)_mm_mul_epu32((__m128i)(x), (__m128i)(y))
#endif

ALWAYS void divide_all_uint64_t(uint64_t *xs, int n, Inverse_uint64_t v) {
    int i = 0;
#ifdef HALVES_PRODUCT
    Longs zero = {0}, y0 = zero + v.multiplier, y1 = y0 >> 32;
    for (; i + (int)(sizeof(Longs) / 8) <= n; i += sizeof(Longs) / 8) {
        Longs x;
        memcpy(&x, xs + i, sizeof x);
        Longs x1 = x >> 32, low = HALVES_PRODUCT(x1, y0) + (HALVES_PRODUCT(x, y0) >> 32);
        Longs middle = HALVES_PRODUCT(x, y1) + (low & 0xffffffff);
        Longs t = HALVES_PRODUCT(x1, y1) + (low >> 32) + (middle >> 32);
        t = (t + ((x - t) >> v.first)) >> v.second;
        memcpy(xs + i, &t, sizeof t);
    }
#endif
    for (; i < n; i++) xs[i] = divide_by_uint64_t(xs[i], v);
}

#endif
