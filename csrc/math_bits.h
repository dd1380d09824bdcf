/* Building blocks shared by math_f32.h and math_f64.h.
 *
 * Everything is branch-free, so that a loop over any of these functions vectorises, and every
 * fused multiply-add is written out, so that all instruction sets give the same bits.
 * Polynomial coefficients in these files are minimax fits (Remez's exchange algorithm in 160-bit
 * arithmetic, then rounded to double); the exponent beside each fit is log2 of its relative error.
 */
#ifndef TRUENO_MATH_BITS_H
#define TRUENO_MATH_BITS_H

#include <stdint.h>
#include <string.h>

/* A function that is called, not inlined, keeps a loop from being vectorised. */
#define T_INLINE static inline __attribute__((always_inline))

#define T_INF __builtin_inf()
#define T_NAN __builtin_nan("")
#define T_FMA(a, b, c) __builtin_fma(a, b, c)
#define T_FMAF(a, b, c) __builtin_fmaf(a, b, c)

/* T_Pn(x, c0, c1, ...): polynomial of n coefficients, lowest power first, by Horner's rule up to
 * eight. Of a longer one only the two lowest steps, where rounding errors count, are Horner's; the
 * rest is T_Sn: A(x^2) + x B(x^2), two chains that shorten the latency. */
#define T_P2(x, a, b) T_FMA(x, b, a)
#define T_P3(x, a, ...) T_FMA(x, T_P2(x, __VA_ARGS__), a)
#define T_P4(x, a, ...) T_FMA(x, T_P3(x, __VA_ARGS__), a)
#define T_P5(x, a, ...) T_FMA(x, T_P4(x, __VA_ARGS__), a)
#define T_P6(x, a, ...) T_FMA(x, T_P5(x, __VA_ARGS__), a)
#define T_P7(x, a, ...) T_FMA(x, T_P6(x, __VA_ARGS__), a)
#define T_P8(x, a, ...) T_FMA(x, T_P7(x, __VA_ARGS__), a)
#define T_P10(x, a, b, ...) T_FMA(x, T_FMA(x, T_S8(x, __VA_ARGS__), b), a)
#define T_P11(x, a, b, ...) T_FMA(x, T_FMA(x, T_S9(x, __VA_ARGS__), b), a)
#define T_P13(x, a, b, ...) T_FMA(x, T_FMA(x, T_S11(x, __VA_ARGS__), b), a)
#define T_P19(x, a, b, ...) T_FMA(x, T_FMA(x, T_S17(x, __VA_ARGS__), b), a)
#define T_P22(x, a, b, ...) T_FMA(x, T_FMA(x, T_S20(x, __VA_ARGS__), b), a)

/* T_Pn of float32. */
#define T_F2(x, a, b) T_FMAF(x, b, a)
#define T_F3(x, a, ...) T_FMAF(x, T_F2(x, __VA_ARGS__), a)
#define T_F4(x, a, ...) T_FMAF(x, T_F3(x, __VA_ARGS__), a)
#define T_F5(x, a, ...) T_FMAF(x, T_F4(x, __VA_ARGS__), a)
#define T_F6(x, a, ...) T_FMAF(x, T_F5(x, __VA_ARGS__), a)
#define T_F7(x, a, ...) T_FMAF(x, T_F6(x, __VA_ARGS__), a)
#define T_F8(x, a, ...) T_FMAF(x, T_F7(x, __VA_ARGS__), a)
#define T_F9(x, a, ...) T_FMAF(x, T_F8(x, __VA_ARGS__), a)

/* Every other coefficient of n, from the first, by Horner's rule in z. */
#define T_A1(z, a) (a)
#define T_A2(z, a, b) (a)
#define T_A3(z, a, b, ...) T_FMA(z, T_A1(z, __VA_ARGS__), a)
#define T_A4(z, a, b, ...) T_FMA(z, T_A2(z, __VA_ARGS__), a)
#define T_A5(z, a, b, ...) T_FMA(z, T_A3(z, __VA_ARGS__), a)
#define T_A6(z, a, b, ...) T_FMA(z, T_A4(z, __VA_ARGS__), a)
#define T_A7(z, a, b, ...) T_FMA(z, T_A5(z, __VA_ARGS__), a)
#define T_A8(z, a, b, ...) T_FMA(z, T_A6(z, __VA_ARGS__), a)
#define T_A9(z, a, b, ...) T_FMA(z, T_A7(z, __VA_ARGS__), a)
#define T_A10(z, a, b, ...) T_FMA(z, T_A8(z, __VA_ARGS__), a)
#define T_A11(z, a, b, ...) T_FMA(z, T_A9(z, __VA_ARGS__), a)
#define T_A12(z, a, b, ...) T_FMA(z, T_A10(z, __VA_ARGS__), a)
#define T_A13(z, a, b, ...) T_FMA(z, T_A11(z, __VA_ARGS__), a)
#define T_A14(z, a, b, ...) T_FMA(z, T_A12(z, __VA_ARGS__), a)
#define T_A15(z, a, b, ...) T_FMA(z, T_A13(z, __VA_ARGS__), a)
#define T_A16(z, a, b, ...) T_FMA(z, T_A14(z, __VA_ARGS__), a)
#define T_A17(z, a, b, ...) T_FMA(z, T_A15(z, __VA_ARGS__), a)
#define T_A18(z, a, b, ...) T_FMA(z, T_A16(z, __VA_ARGS__), a)
#define T_A19(z, a, b, ...) T_FMA(z, T_A17(z, __VA_ARGS__), a)
#define T_A20(z, a, b, ...) T_FMA(z, T_A18(z, __VA_ARGS__), a)

#define T_S7(x, a, ...) \
    T_FMA(x, T_A6((x) * (x), __VA_ARGS__), T_A7((x) * (x), a, __VA_ARGS__))
#define T_S8(x, a, ...) \
    T_FMA(x, T_A7((x) * (x), __VA_ARGS__), T_A8((x) * (x), a, __VA_ARGS__))
#define T_S9(x, a, ...) \
    T_FMA(x, T_A8((x) * (x), __VA_ARGS__), T_A9((x) * (x), a, __VA_ARGS__))
#define T_S10(x, a, ...) \
    T_FMA(x, T_A9((x) * (x), __VA_ARGS__), T_A10((x) * (x), a, __VA_ARGS__))
#define T_S11(x, a, ...) \
    T_FMA(x, T_A10((x) * (x), __VA_ARGS__), T_A11((x) * (x), a, __VA_ARGS__))
#define T_S13(x, a, ...) \
    T_FMA(x, T_A12((x) * (x), __VA_ARGS__), T_A13((x) * (x), a, __VA_ARGS__))
#define T_S15(x, a, ...) \
    T_FMA(x, T_A14((x) * (x), __VA_ARGS__), T_A15((x) * (x), a, __VA_ARGS__))
#define T_S17(x, a, ...) \
    T_FMA(x, T_A16((x) * (x), __VA_ARGS__), T_A17((x) * (x), a, __VA_ARGS__))
#define T_S18(x, a, ...) \
    T_FMA(x, T_A17((x) * (x), __VA_ARGS__), T_A18((x) * (x), a, __VA_ARGS__))
#define T_S20(x, a, ...) \
    T_FMA(x, T_A19((x) * (x), __VA_ARGS__), T_A20((x) * (x), a, __VA_ARGS__))

#define T_SIGN 0x8000000000000000u

/* Adding 1.5 * 2^52 leaves the nearest integer in a double's low bits (|x| < 2^51). */
#define T_ROUND 0x1.8p52

/* ln 2 as 53 + 53 bits, and with 42 bits so that e * T_LN2_HEAD is exact for any exponent e. */
#define T_LOG2E 0x1.71547652b82fep+0
#define T_LN2_HI 0x1.62e42fefa39efp-1
#define T_LN2_LO 0x1.abc9e3b39803fp-56
#define T_LN2_HEAD 0x1.62e42fefa3800p-1
#define T_LN2_TAIL 0x1.ef35793c76730p-45

/* An unevaluated sum hi + lo with |lo| at most about half an ULP of hi. */
typedef struct {
    double hi, lo;
} t_dd;

T_INLINE uint64_t t_bits(double x) {
    uint64_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

T_INLINE double t_double(uint64_t b) {
    double x;
    memcpy(&x, &b, sizeof x);
    return x;
}

T_INLINE uint32_t t_bits_f32(float x) {
    uint32_t b;
    memcpy(&b, &x, sizeof b);
    return b;
}

T_INLINE float t_float(uint32_t b) {
    float x;
    memcpy(&x, &b, sizeof x);
    return x;
}

T_INLINE double t_fabs(double x) { return __builtin_fabs(x); }

T_INLINE double t_copysign(double x, double sign) { return __builtin_copysign(x, sign); }

/* Clamps let NaN pass: a comparison with NaN is false and chooses x. */
T_INLINE double t_at_least(double low, double x) { return low > x ? low : x; }
T_INLINE double t_at_most(double high, double x) { return high < x ? high : x; }

/* p * 2^n with one rounding, for -1076 <= n <= 1024 and p near 1; u = bits of n + T_ROUND.
 * Two factors 2^(n/2), because 2^n itself may be subnormal or overflow. */
T_INLINE double t_scale(double p, uint64_t u) {
    uint64_t biased = u + 2046, half = biased >> 1;
    return p * t_double(half << 52) * t_double((biased - half) << 52);
}

/* The same where p 2^n is a normal number: only the exponent changes. */
T_INLINE double t_scale_normal(double p, uint64_t u) {
    return t_double(t_bits(p) + (u << 52));
}

/* Tests for the shorter ways of t_<name>_near_<dtype>: negative where the argument is not what the
 * name says, so that the signs of many are joined by `|`. Positive: normal and finite. NaN is
 * neither within a bound nor positive. */
T_INLINE int64_t t_within_f64(double x, double bound) {
    return (int64_t)(t_bits(bound) - (t_bits(x) & ~T_SIGN));
}
T_INLINE int32_t t_within_f32(float x, float bound) {
    return (int32_t)(t_bits_f32(bound) - (t_bits_f32(x) & 0x7fffffffu));
}
T_INLINE int64_t t_between_f64(double x, double low, double high) {
    uint64_t u = t_bits(x);
    return (int64_t)(u | (u - t_bits(low)) | (t_bits(high) - u));
}
T_INLINE int32_t t_between_f32(float x, float low, float high) {
    uint32_t u = t_bits_f32(x);
    return (int32_t)(u | (u - t_bits_f32(low)) | (t_bits_f32(high) - u));
}
T_INLINE int64_t t_positive_f64(double x) {
    return t_between_f64(x, 0x1p-1022, 0x1.fffffffffffffp1023);
}
T_INLINE int32_t t_positive_f32(float x) {
    return t_between_f32(x, 0x1p-126f, 0x1.fffffep127f);
}

/* 2^n, -1022 <= n <= 1023, from the bits of n + T_EXPONENT_ROUND. */
#define T_EXPONENT_ROUND (0x1.8p52 + 1023)
T_INLINE double t_power_of_two(uint64_t u) { return t_double(u << 52); }

/* Dekker's fast two-sum (1971), |a| >= |b| or a = 0: hi + lo = a + b exactly. */
T_INLINE t_dd t_fast_sum(double a, double b) {
    t_dd s;
    s.hi = a + b;
    s.lo = (a - s.hi) + b;
    return s;
}

/* Knuth's two-sum (TAOCP 2, 4.2.2), any order. */
T_INLINE t_dd t_sum(double a, double b) {
    t_dd s;
    s.hi = a + b;
    double t = s.hi - a;
    s.lo = (a - (s.hi - t)) + (b - t);
    return s;
}

/* hi + lo = a * b exactly, barring underflow. */
T_INLINE t_dd t_product(double a, double b) {
    t_dd p;
    p.hi = a * b;
    p.lo = T_FMA(a, b, -p.hi);
    return p;
}

/* The same of float32. */
typedef struct {
    float hi, lo;
} t_dd_f32;

T_INLINE t_dd_f32 t_fast_sum_f32(float a, float b) {
    t_dd_f32 s;
    s.hi = a + b;
    s.lo = (a - s.hi) + b;
    return s;
}

T_INLINE float t_at_least_f32(float low, float x) { return low > x ? low : x; }
T_INLINE float t_at_most_f32(float high, float x) { return high < x ? high : x; }

/* a / b, 0.5 ULP rounding + 0.01: the quotient of the heads, corrected by its residual. */
T_INLINE double t_quotient(t_dd a, t_dd b) {
    double inverse = 1 / b.hi;
    double q = a.hi * inverse;
    double residual = T_FMA(-q, b.hi, a.hi) + T_FMA(-q, b.lo, a.lo);
    return T_FMA(residual, inverse, q);
}

#endif
