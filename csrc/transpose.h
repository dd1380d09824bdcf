/* Transposing blocks of elements: N vectors of N elements each, by log2(N) rounds in which the
 * first half of the vectors is interleaved with the second, element by element. */
#ifndef TRUENO_TRANSPOSE_H
#define TRUENO_TRANSPOSE_H

#include <stdint.h>
#include <string.h>

#define ZIP2(a, b, at) __builtin_shufflevector(a, b, at, at + 2)
#define ZIP4(a, b, at) __builtin_shufflevector(a, b, at, at + 4, at + 1, at + 5)
#define ZIP8(a, b, at) \
    __builtin_shufflevector(a, b, at, at + 8, at + 1, at + 9, at + 2, at + 10, at + 3, at + 11)
#define ZIP16(a, b, at) \
    __builtin_shufflevector(a, b, at, at + 16, at + 1, at + 17, at + 2, at + 18, at + 3, at + 19, \
                            at + 4, at + 20, at + 5, at + 21, at + 6, at + 22, at + 7, at + 23)

/* Rows of the input lie `stride` bytes apart, those of the output `step`. */
#define TRANSPOSE_BLOCK(B, T, N) \
    typedef T block_##B __attribute__((vector_size(N * B))); \
    static inline void transpose_block_##B(char *out, int64_t step, const char *in, \
                                           int64_t stride) { \
        block_##B rows[N], zipped[N]; \
        for (int i = 0; i < N; i++) memcpy(&rows[i], in + i * stride, sizeof rows[i]); \
        for (int round = 1; round < N; round *= 2) { \
            for (int i = 0; i < N / 2; i++) { \
                zipped[2 * i] = ZIP##N(rows[i], rows[i + N / 2], 0); \
                zipped[2 * i + 1] = ZIP##N(rows[i], rows[i + N / 2], N / 2); \
            } \
            for (int i = 0; i < N; i++) rows[i] = zipped[i]; \
        } \
        for (int i = 0; i < N; i++) memcpy(out + i * step, &rows[i], sizeof rows[i]); \
    }

/* `rows` rows of the output, `step` bytes apart, of `columns` elements each: the input's columns,
 * which are contiguous, `stride` bytes apart. All rows of a column block are moved before the next
 * block, so that each cache line of the input is read once; lines soon needed are asked for. */
#define TRANSPOSE(B, T, N) \
    TRANSPOSE_BLOCK(B, T, N) \
    static void transpose_##B(char *out, int64_t step, const char *in, int64_t stride, \
                              int64_t rows, int64_t columns) { \
        int64_t r, c = 0; \
        for (; c + N <= columns; c += N) { \
            const char *ahead = in + (c + AHEAD + N <= columns ? c + AHEAD : c) * stride; \
            for (int i = 0; i < N; i++) \
                for (r = 0; r < rows; r += 64 / B) \
                    __builtin_prefetch(ahead + i * stride + r * B, 0, 3); \
            for (r = 0; r + N <= rows; r += N) \
                transpose_block_##B(out + r * step + c * B, step, in + c * stride + r * B, \
                                    stride); \
            for (; r < rows; r++) \
                for (int i = 0; i < N; i++) \
                    memcpy(out + r * step + (c + i) * B, in + (c + i) * stride + r * B, B); \
        } \
        for (; c < columns; c++) \
            for (r = 0; r < rows; r++) \
                memcpy(out + r * step + c * B, in + c * stride + r * B, B); \
    }

enum { AHEAD = 32 }; /* columns */

#ifdef __AVX2__
TRANSPOSE(4, uint32_t, 8)
TRANSPOSE(8, uint64_t, 4)
#else
TRANSPOSE(4, uint32_t, 4)
TRANSPOSE(8, uint64_t, 2)
#endif
TRANSPOSE(1, uint8_t, 16)
TRANSPOSE(2, uint16_t, 8)

static void transpose_16(char *out, int64_t step, const char *in, int64_t stride, int64_t rows,
                         int64_t columns) {
    for (int64_t c = 0; c < columns; c++)
        for (int64_t r = 0; r < rows; r++)
            memcpy(out + r * step + c * 16, in + c * stride + r * 16, 16);
}

static void transpose(char *out, int64_t step, const char *in, int64_t stride, int size,
                      int64_t rows, int64_t columns) {
    (size == 1   ? transpose_1
     : size == 2 ? transpose_2
     : size == 4 ? transpose_4
     : size == 8 ? transpose_8
                 : transpose_16)(out, step, in, stride, rows, columns);
}

#endif
