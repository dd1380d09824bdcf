/* sin, cos and tan of any float64, scalar: for the few elements beyond T_TRIG_LIMIT_F64.
 *
 * Payne & Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18 (1983): of
 * the product x * 2/pi only the bits of weight below 4 are formed, from the words of 2/pi that
 * reach them.
 */
#ifndef TRUENO_MATH_F64_BIG_H
#define TRUENO_MATH_F64_BIG_H

#include "math_f64_trig.h"

/* The first 1184 binary places of 2/pi, 32 a word. */
static const uint32_t t_two_over_pi[37] = {
    0xa2f9836e, 0x4e441529, 0xfc2757d1, 0xf534ddc0, 0xdb629599, 0x3c439041,
    0xfe5163ab, 0xdebbc561, 0xb7246e3a, 0x424dd2e0, 0x06492eea, 0x09d1921c,
    0xfe1deb1c, 0xb129a73e, 0xe88235f5, 0x2ebb4484, 0xe99c7026, 0xb45f7e41,
    0x3991d639, 0x835339f4, 0x9c845f8b, 0xbdf9283b, 0x1ff897ff, 0xde05980f,
    0xef2f118b, 0x5a0a6d1f, 0x6d367ecf, 0x27cb09b7, 0x4f463f66, 0x9e5fea2d,
    0x7527bac7, 0xebe5f17b, 0x3d0739f7, 0x8a5292ea, 0x6bfb5fb1, 0x1f8d5d08,
    0x56033046};

/* 2^38 < |x| < inf. x = m 2^e with an integer m below 2^53. The words from number (e - 2) / 32 on
 * have bits of weight below 4 in the product, and seven of them leave 2^-138 out. */
static inline t_quadrant t_reduce_big_f64(double x) {
    uint64_t bits = t_bits(x);
    int e = (int)(bits >> 52 & 0x7ff) - 1075;
    uint64_t m = (bits & 0x000fffffffffffffu) | 0x0010000000000000u;
    int first = e < 2 ? 0 : (e - 2) / 32;
    uint32_t product[10] = {0}; /* m times the seven words, lowest limb first; the top is 0 */
    for (int half = 0; half < 2; half++) {
        uint64_t factor = half ? m >> 32 : m & 0xffffffffu, carry = 0;
        for (int i = 0; i < 7; i++) {
            carry += factor * t_two_over_pi[first + 6 - i] + product[i + half];
            product[i + half] = (uint32_t)carry;
            carry >>= 32;
        }
        product[7 + half] = (uint32_t)carry;
    }
    /* the binary point stands 191 to 238 bits above the lowest; keep 160 bits below it */
    int places = 32 * (first + 7) - e, limb = places / 32 - 5, shift = places % 32;
    uint32_t fixed[6]; /* fixed[5]: the integer part modulo 2^32; the others: the fraction */
    for (int i = 0; i < 6; i++) {
        uint64_t pair = (uint64_t)product[limb + i + 1] << 32 | product[limb + i];
        fixed[i] = (uint32_t)(pair >> shift);
    }
    int up = (int)(fixed[4] >> 31); /* fraction >= 1/2: next quadrant, negative remainder */
    uint64_t n = (uint64_t)fixed[5] + (uint64_t)up;
    double sign = (up != 0) == (bits >> 63 != 0) ? 1 : -1;
    t_dd f = {0, 0}; /* the magnitude; the complement of the bits is 2^-160 short of it */
    double weight = 0x1p-32;
    for (int i = 4; i >= 0; i--) {
        uint32_t word = up ? ~fixed[i] : fixed[i];
        t_dd s = t_sum(f.hi, weight * word);
        f = t_fast_sum(s.hi, s.lo + f.lo);
        weight *= 0x1p-32;
    }
    t_dd r = t_product(f.hi, T_PI_2_HI);
    r.lo += T_FMA(f.hi, T_PI_2_MID, f.lo * T_PI_2_HI);
    r = t_fast_sum(r.hi, r.lo);
    t_quadrant q = {sign * r.hi, sign * r.lo, bits >> 63 ? 0 - n : n};
    return q;
}

static inline t_quadrant t_reduce_any_f64(double x) {
    double a = t_fabs(x);
    return a > T_TRIG_LIMIT_F64 && a < T_INF ? t_reduce_big_f64(x) : t_reduce_f64(x);
}

static inline double t_sin_big_f64(double x) {
    double r = t_sin_quadrant_f64(t_reduce_any_f64(x), 0);
    return x == 0 ? x : r;
}

static inline double t_cos_big_f64(double x) {
    return t_sin_quadrant_f64(t_reduce_any_f64(x), 1);
}

static inline double t_tan_big_f64(double x) {
    double r = t_tan_quadrant_f64(t_reduce_any_f64(x));
    return x == 0 ? x : r;
}

#endif
