/* Products of small matrices, many at a time: a call of BLAS for each costs more than the product.
 *
 * Each element is the sum of its products in their order, without fused steps: the same bits on
 * every instruction set. */
#ifndef TRUENO_SMALL_H
#define TRUENO_SMALL_H

#include "scalar.h"
#include "trueno.h"

/* One product of (m, K) and (K, N): numbers that the compiler knows, so that sums are registers. */
#define SMALL_ONE(S, T, K, N) \
    static void small_##S##_##K##_##N(const T *a, int64_t a_step, const T *b, int64_t b_step, \
                                      T *out, int64_t count, int64_t m) { \
        for (int64_t s = 0; s < count; s++, a += a_step, b += b_step) \
            for (int64_t i = 0; i < m; i++, out += N) { \
                T sum[N]; \
                for (int j = 0; j < N; j++) sum[j] = a[i * K] * b[j]; \
                for (int k = 1; k < K; k++) \
                    for (int j = 0; j < N; j++) sum[j] += a[i * K + k] * b[k * N + j]; \
                for (int j = 0; j < N; j++) out[j] = sum[j]; \
            } \
    }
#define SMALL_WIDE(S, T, N) \
    SMALL_ONE(S, T, 1, N) SMALL_ONE(S, T, 2, N) SMALL_ONE(S, T, 3, N) SMALL_ONE(S, T, 4, N)
#define SMALL_ENTRY(S, N) \
    {small_##S##_1_##N, small_##S##_2_##N, small_##S##_3_##N, small_##S##_4_##N}
#define SMALL_PRODUCT(S, T) \
    SMALL_WIDE(S, T, 1) SMALL_WIDE(S, T, 2) SMALL_WIDE(S, T, 3) SMALL_WIDE(S, T, 4) \
    static void small_##S(const void *a, int64_t a_step, const void *b, int64_t b_step, \
                          void *out, int64_t count, int64_t m, int64_t k, int64_t n) { \
        static void (*const sizes[SMALL][SMALL])(const T *, int64_t, const T *, int64_t, T *, \
                                                 int64_t, int64_t) = { \
            SMALL_ENTRY(S, 1), SMALL_ENTRY(S, 2), SMALL_ENTRY(S, 3), SMALL_ENTRY(S, 4)}; \
        sizes[n - 1][k - 1](a, a_step, b, b_step, out, count, m); \
    }
SMALL_PRODUCT(f32, float)
SMALL_PRODUCT(f64, double)

#endif
