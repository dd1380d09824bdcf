/* Matrix products of floats by tiles of the result, whose sums stay in registers.
 *
 * Each element is one chain of fused multiply-adds over a block of the depth, and blocks are added
 * in order: the bits depend on the depth alone, and not on the shape of the tiles. Only where the
 * processor fuses. */
#ifndef TRUENO_GEMM_H
#define TRUENO_GEMM_H

#include "product.h"

#if defined(__FMA__)

enum { TILE_VECTORS = 3 };

/* `R` rows of a times `N` vectors of b's columns. */
#define GEMM_TILE(S, T, FMA, R, N) \
    static void gemm_##S##_##R##_##N(const T *a, int64_t a_row, int64_t a_k, const T *b, \
                                     int64_t b_k, int64_t depth, T *c, int64_t c_row, bool add) { \
        vec_##S sum[R][N] = {0}; \
        for (int64_t k = 0; k < depth; k++) { \
            vec_##S x[N]; \
            UNROLL for (int n = 0; n < N; n++) x[n] = ((const loose_##S *)(b + k * b_k))[n]; \
            UNROLL for (int r = 0; r < R; r++) { \
                vec_##S w = a[r * a_row + k * a_k] - (vec_##S){0}; \
                UNROLL for (int n = 0; n < N; n++) sum[r][n] = FMA(w, x[n], sum[r][n]); \
            } \
        } \
        UNROLL for (int r = 0; r < R; r++) { \
            loose_##S *to = (loose_##S *)(c + r * c_row); \
            if (add) { \
                UNROLL for (int n = 0; n < N; n++) \
                    to[n] = (loose_##S)((vec_##S)to[n] + sum[r][n]); \
            } else { \
                UNROLL for (int n = 0; n < N; n++) to[n] = (loose_##S)sum[r][n]; \
            } \
        } \
    }
#define GEMM_ROWS(S, T, FMA, R) \
    GEMM_TILE(S, T, FMA, R, 1) GEMM_TILE(S, T, FMA, R, 2) GEMM_TILE(S, T, FMA, R, 3)
#define GEMM_ENTRY(S, R) {gemm_##S##_##R##_1, gemm_##S##_##R##_2, gemm_##S##_##R##_3}

#define GEMM(S, T, FMA) \
    GEMM_ROWS(S, T, FMA, 1) GEMM_ROWS(S, T, FMA, 2) GEMM_ROWS(S, T, FMA, 4) \
    GEMM_ROWS(S, T, FMA, 8) \
    typedef void Tile_##S(const T *, int64_t, int64_t, const T *, int64_t, int64_t, T *, int64_t, \
                          bool); \
    /* The last columns, where they are no whole vectors, by way of a tile of their own. */ \
    static void gemm_edge_##S(Tile_##S *tile, int64_t rows, int64_t columns, const T *a, \
                              int64_t a_row, int64_t a_k, const T *b, int64_t b_k, \
                              const GemmBlock *p, T *c) { \
        enum { width = TILE_VECTORS * VECTOR / sizeof(T) }; \
        T part[ROWS_AT_MOST * width]; \
        tile(a, a_row, a_k, b, b_k, p->depth, part, width, false); \
        for (int64_t r = 0; r < rows; r++) \
            for (int64_t i = 0; i < columns; i++) { \
                T *to = c + r * p->c_row + i, x = part[r * width + i]; \
                *to = p->add ? *to + x : x; \
            } \
    } \
    static void gemm_##S(const GemmBlock *p) { \
        enum { lanes = VECTOR / sizeof(T), width = TILE_VECTORS * lanes }; \
        static Tile_##S *const tiles[9][TILE_VECTORS] = { \
            [1] = GEMM_ENTRY(S, 1), [2] = GEMM_ENTRY(S, 2), [4] = GEMM_ENTRY(S, 4), \
            [8] = GEMM_ENTRY(S, 8)}; \
        T panel[ROWS_AT_MOST * GEMM_DEPTH / sizeof(T)]; \
        for (int64_t row = 0, rows; row < p->rows; row += rows) { \
            rows = panel_rows(p->rows - row); \
            const T *a = (const T *)p->a + row * p->a_row; \
            int64_t a_row = p->a_row, a_k = p->a_k; \
            if (a_k != 1) { /* each line of the cache holds one factor of a row */ \
                for (int64_t k = 0; k < p->depth; k++) \
                    for (int64_t r = 0; r < rows; r++) \
                        panel[k * rows + r] = a[k * a_k + r * a_row]; \
                a = panel; \
                a_row = 1; \
                a_k = rows; \
            } \
            for (int64_t column = 0; column < p->columns; column += width) { \
                int64_t left = p->columns - column; \
                bool last = left < width && p->tail; \
                const T *b = last ? p->tail : (const T *)p->b + column / width * p->b_panel; \
                int64_t b_k = last ? width : p->b_k; \
                int64_t vectors = left < width ? (left + lanes - 1) / lanes : TILE_VECTORS; \
                T *c = (T *)p->c + row * p->c_row + column; \
                Tile_##S *tile = tiles[rows][vectors - 1]; \
                bool whole = left >= width || left % lanes == 0; \
                if (whole || (row + rows) * p->c_row + lanes <= p->spill) \
                    tile(a, a_row, a_k, b, b_k, p->depth, c, p->c_row, p->add); \
                else \
                    gemm_edge_##S(tile, rows, left, a, a_row, a_k, b, b_k, p, c); \
            } \
        } \
    }

GEMM(f32, float, FMA_f32)
GEMM(f64, double, FMA_f64)

#define GEMMS [D_f32] = gemm_f32, [D_f64] = gemm_f64
#define GEMM_PANEL (TILE_VECTORS * VECTOR)

#else

#define GEMMS 0
#define GEMM_PANEL 0

#endif
#endif
