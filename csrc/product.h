/* Matrix products in registers: a panel of a few rows of weights times vectors of positions.
 *
 * Every result is one chain of multiply-adds over the depth, in its order, so that neither the
 * width of the vectors nor the shape of the panels shows in its bits. */
#ifndef TRUENO_PRODUCT_H
#define TRUENO_PRODUCT_H

#include "convert.h"
#include "trueno.h"

#if defined(__AVX512F__)
enum { VECTOR = 64 };
#define ROWS_AT_MOST 8
#define FMA_f32(a, b, c) (vec_f32)_mm512_fmadd_ps((__m512)(a), (__m512)(b), (__m512)(c))
#define FMA_f64(a, b, c) (vec_f64)_mm512_fmadd_pd((__m512d)(a), (__m512d)(b), (__m512d)(c))
#elif defined(__FMA__)
enum { VECTOR = 32 };
#define ROWS_AT_MOST 4
#define FMA_f32(a, b, c) (vec_f32)_mm256_fmadd_ps((__m256)(a), (__m256)(b), (__m256)(c))
#define FMA_f64(a, b, c) (vec_f64)_mm256_fmadd_pd((__m256d)(a), (__m256d)(b), (__m256d)(c))
#else
enum { VECTOR = 16 };
#define ROWS_AT_MOST 4
#define FMA_f32(a, b, c) each_fma_f32(a, b, c)
#define FMA_f64(a, b, c) each_fma_f64(a, b, c)
#endif
#ifdef __clang__
#define UNROLL _Pragma("unroll")
#else
#define UNROLL _Pragma("GCC unroll 8")
#endif
#define MULTIPLY_ADD(a, b, c) ((c) + (a) * (b))

#define VECTORS(S, T) \
    typedef T vec_##S __attribute__((vector_size(VECTOR))); \
    typedef T loose_##S __attribute__((vector_size(VECTOR), aligned(sizeof(T)), may_alias));
VECTORS(u8, uint8_t)
VECTORS(u16, uint16_t)
VECTORS(u32, uint32_t)
VECTORS(u64, uint64_t)
VECTORS(f32, float)
VECTORS(f64, double)


/* Lane by lane: one instruction each on ARM, a call where the processor has none. */
#define EACH_FMA(S, T, fma) \
    ALWAYS vec_##S each_fma_##S(vec_##S a, vec_##S b, vec_##S c) { \
        for (int i = 0; i < VECTOR / (int)sizeof(T); i++) c[i] = fma(a[i], b[i], c[i]); \
        return c; \
    }
EACH_FMA(f32, float, __builtin_fmaf)
EACH_FMA(f64, double, __builtin_fma)

/* `R` rows by `N` vectors: the accumulators stay in registers. */
#define PANEL(S, T, FMA, R, N) \
    static void panel_##S##_##R##_##N(const T *weights, const T *planes, const int64_t *taps, \
                                      int64_t depth, T *sums, int64_t pitch) { \
        vec_##S sum[R][N] = {0}; \
        for (int64_t k = 0; k < depth; k++) { \
            const T *at = planes + taps[k]; \
            vec_##S x[N]; \
            UNROLL for (int n = 0; n < N; n++) \
                x[n] = ((const loose_##S *)at)[n]; \
            UNROLL for (int r = 0; r < R; r++) { \
                vec_##S w = weights[k * R + r] - (vec_##S){0}; \
                UNROLL for (int n = 0; n < N; n++) \
                    sum[r][n] = FMA(w, x[n], sum[r][n]); \
            } \
        } \
        UNROLL for (int r = 0; r < R; r++) \
            UNROLL for (int n = 0; n < N; n++) \
                ((loose_##S *)(sums + r * pitch))[n] = (loose_##S)sum[r][n]; \
    }

/* Positions from `at` on of a panel's sums to the result: added to what earlier parts of the depth
 * gave, and the bias at the end. Positions between the lines of the result are left out. */
#define FINISH(S, T) \
    static void finish_##S(const Product *p, int64_t row, int64_t rows, int64_t at, \
                           int64_t count) { \
        int64_t first = at / p->line_pitch, end = (at + count - 1) / p->line_pitch + 1; \
        for (int64_t r = 0; r < rows; r++) \
            for (int64_t line = first; line < end; line++) { \
                int64_t start = line * p->line_pitch - at, skip = start < 0 ? -start : 0; \
                int64_t n = p->width < count - start ? p->width - skip : count - start - skip; \
                const T *restrict from = (const T *)p->sums + r * STRIP + start + skip; \
                T *restrict to = (T *)p->out + (row + r) * p->row_stride + \
                                 line * p->line_stride + skip; \
                if (!p->first) \
                    for (int64_t i = 0; i < n; i++) to[i] = (T)(to[i] + from[i]); \
                else \
                    for (int64_t i = 0; i < n; i++) to[i] = from[i]; \
                if (!p->bias) continue; \
                T bias = ((const T *)p->bias)[row + r]; \
                for (int64_t i = 0; i < n; i++) to[i] = (T)(to[i] + bias); \
            } \
    }

#define PANEL_STRIP(S, T, R, N) \
    { \
        int64_t i = 0; \
        for (; i + N * lanes <= padded; i += N * lanes) \
            panel_##S##_##R##_##N(weights, planes + i, p->taps, p->depth, sums + i, STRIP); \
        for (; i < padded; i += lanes) \
            panel_##S##_##R##_1(weights, planes + i, p->taps, p->depth, sums + i, STRIP); \
    }

/* A strip of positions at a time, so that what a panel reads and writes stays in the first cache
 * levels. */
#define PRODUCT(S, T, FMA) \
    PANEL(S, T, FMA, 1, 4) PANEL(S, T, FMA, 1, 1) \
    PANEL(S, T, FMA, 2, 4) PANEL(S, T, FMA, 2, 1) \
    PANEL(S, T, FMA, 4, 3) PANEL(S, T, FMA, 4, 1) \
    PANEL(S, T, FMA, 8, 3) PANEL(S, T, FMA, 8, 1) \
    FINISH(S, T) \
    static void product_##S(const Product *p) { \
        enum { lanes = VECTOR / sizeof(T) }; \
        T *sums = p->sums; \
        int64_t positions = (p->lines - 1) * p->line_pitch + p->width; \
        for (int64_t at = 0; at < positions; at += STRIP) { \
            int64_t count = positions - at < STRIP ? positions - at : STRIP; \
            int64_t padded = (count + lanes - 1) / lanes * lanes; \
            const T *planes = (const T *)p->planes + at; \
            for (int64_t row = p->row, rows; row < p->row_end; row += rows) { \
                rows = panel_rows(p->row_end - row); \
                const T *weights = (const T *)p->weights + row * p->whole_depth + p->from * rows; \
                if (rows == 8) PANEL_STRIP(S, T, 8, 3) \
                else if (rows == 4) PANEL_STRIP(S, T, 4, 3) \
                else if (rows == 2) PANEL_STRIP(S, T, 2, 4) \
                else PANEL_STRIP(S, T, 1, 4) \
                finish_##S(p, row, rows, at, count); \
            } \
        } \
    }

ALWAYS int64_t panel_rows(int64_t left) {
    return left >= ROWS_AT_MOST ? ROWS_AT_MOST : left >= 4 ? 4 : left >= 2 ? 2 : 1;
}

PRODUCT(u8, uint8_t, MULTIPLY_ADD)
PRODUCT(u16, uint16_t, MULTIPLY_ADD)
PRODUCT(u32, uint32_t, MULTIPLY_ADD)
PRODUCT(u64, uint64_t, MULTIPLY_ADD)
PRODUCT(f32, float, FMA_f32)
PRODUCT(f64, double, FMA_f64)

/* Signed integers wrap to the same bits. */
#define PRODUCTS \
    [D_i8] = product_u8, [D_i16] = product_u16, [D_i32] = product_u32, [D_i64] = product_u64, \
    [D_u8] = product_u8, [D_u16] = product_u16, [D_u32] = product_u32, [D_u64] = product_u64, \
    [D_f32] = product_f32, [D_f64] = product_f64

#endif
