/* Conversions that C leaves undefined or lacks: float to integer out of range, and float16. */
#ifndef TRUENO_CONVERT_H
#define TRUENO_CONVERT_H

#include "scalar.h"

#if defined(__x86_64__) || defined(__i386__)
#include <immintrin.h>
#endif

/* ---- float to integer, with NumPy's results on x86-64 out of range */

/* The small types go through int32; the large unsigned ones are moved down by half their range
 * first if they need it, so that one signed conversion does. */
#define FROM_FLOAT(F, T) \
    ALWAYS int8_t to_i8_##F(T x) { return (int8_t)(int32_t)x; } \
    ALWAYS int16_t to_i16_##F(T x) { return (int16_t)(int32_t)x; } \
    ALWAYS int32_t to_i32_##F(T x) { return (int32_t)x; } \
    ALWAYS int64_t to_i64_##F(T x) { return (int64_t)x; } \
    ALWAYS uint8_t to_u8_##F(T x) { return (uint8_t)(int32_t)x; } \
    ALWAYS uint16_t to_u16_##F(T x) { return (uint16_t)(int32_t)x; } \
    ALWAYS uint32_t to_u32_##F(T x) { \
        T half = x >= (T)0x1p31 ? (T)0x1p31 : 0; \
        return (uint32_t)(int32_t)(x - half) ^ (half != 0 ? (uint32_t)1 << 31 : 0); \
    } \
    ALWAYS uint64_t to_u64_##F(T x) { \
        T half = x >= (T)0x1p63 ? (T)0x1p63 : 0; \
        return (uint64_t)(int64_t)(x - half) ^ (half != 0 ? (uint64_t)1 << 63 : 0); \
    }
FROM_FLOAT(f32, float)
FROM_FLOAT(f64, double)

/* ---- float16 */

/* Exact: the exponent is rebiased by a multiplication, which makes subnormals normal.
 * F. Giesen, "half to float done quick", 2012. */
ALWAYS float widen_bits(uint16_t half) {
    int32_t magnitude = (int32_t)(half & 0x7fff) << 13;
    float value = from_bits_f32(magnitude) * 0x1p112f;
    int32_t special = magnitude >= 0x0f800000 ? 0x7f800000 : 0; /* infinity or NaN */
    return from_bits_f32(bits_f32(value) | special | (int32_t)(half & 0x8000) << 16);
}

/* Round to nearest, ties to even. Below 2^-14 the sum with 0.5 leaves the result's bits, rounded
 * by the hardware, at the end of the significand. F. Giesen, "float->half variants", 2016. */
ALWAYS uint16_t narrow_bits(float value) {
    int32_t u = bits_f32(value), magnitude = u & 0x7fffffff;
    int32_t sign = (int32_t)((uint32_t)u >> 16) & 0x8000;
    int32_t odd = magnitude >> 13 & 1;
    int32_t normal = (magnitude - (112 << 23) + 0xfff + odd) >> 13;
    int32_t small = bits_f32(from_bits_f32(magnitude) + 0.5f) - bits_f32(0.5f);
    int32_t nan = 0x7e00 | (magnitude >> 13 & 0x3ff);
    int32_t result = magnitude < 113 << 23 ? small : normal;
    result = magnitude >= 0x47800000 ? 0x7c00 : result;
    result = magnitude > 0x7f800000 ? nan : result;
    return (uint16_t)(result | sign);
}

/* A float that rounds to the same float16 as the double: its last bits are gathered into one that
 * is set if any was ("round to odd"), so that the second rounding sees which side it is on. */
ALWAYS float narrow_to_odd(double value) {
    int64_t u = bits_f64(value), rest = u & 0x1fffffff;
    int64_t kept = (u - rest) | (int64_t)(rest != 0) << 29;
    return (float)from_bits_f64(kept);
}

static void widen_f16(const void *x, const void *y, const void *z, void *out, int64_t n) {
    const uint16_t *in = x;
    float *to = out;
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(_mm_loadu_si128((const __m128i *)(in + i))));
#endif
    for (; i < n; i++) to[i] = widen_bits(in[i]);
}

static void narrow_f32(const void *x, const void *y, const void *z, void *out, int64_t n) {
    const float *in = x;
    uint16_t *to = out;
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(to + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++) to[i] = narrow_bits(in[i]);
}

static void narrow_f64(const void *x, const void *y, const void *z, void *out, int64_t n) {
    const double *in = x;
    uint16_t *to = out;
    for (int64_t i = 0; i < n; i++) to[i] = narrow_bits(narrow_to_odd(in[i]));
}

/* Rounds floats to the nearest float16, kept as floats. */
static void round_to_f16(const void *x, const void *y, const void *z, void *out, int64_t n) {
    const float *in = x;
    float *to = out;
    int64_t i = 0;
#ifdef __F16C__
    for (; i + 8 <= n; i += 8) {
        __m128i half = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
        _mm256_storeu_ps(to + i, _mm256_cvtph_ps(half));
    }
#endif
    for (; i < n; i++) to[i] = widen_bits(narrow_bits(in[i]));
}

#endif
