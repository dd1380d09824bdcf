/* Pooling: a line of the result, first down the columns, then along them. */
#ifndef TRUENO_POOL_H
#define TRUENO_POOL_H

#include "scalar.h"
#include "trueno.h"

#define POOL_SUM(x, y, T) ((T)((x) + (y)))
#define POOL_LARGEST(x, y, T) greater(x, y, T)

/* `column` holds the folded columns, what lies outside as `outside`, which changes no result. */
#define POOL(name, S, T, outside, FOLD) \
    static void name##_along_##S(const T *restrict column, T *restrict out, const Pool *p, \
                                 int64_t stride) { \
        for (int64_t i = 0; i < p->result[1]; i++) out[i] = column[i * stride]; \
        for (int64_t k = 1; k < p->kernel[1]; k++) { \
            const T *restrict from = column + k * p->dilation[1]; \
            for (int64_t i = 0; i < p->result[1]; i++) { \
                T x = out[i], y = from[i * stride]; \
                out[i] = FOLD(x, y, T); \
            } \
        } \
    } \
    static void name##_##S(const Pool *p, int64_t plane, int64_t row, void *scratch) { \
        T *column = scratch, *inside = column + p->pad[1]; \
        int64_t last = (p->result[1] - 1) * p->stride[1]; \
        int64_t reach = last + (p->kernel[1] - 1) * p->dilation[1] + 1; \
        int64_t width = p->size[1] < reach - p->pad[1] ? p->size[1] : reach - p->pad[1]; \
        const T *x = (const T *)p->x + plane * p->size[0] * p->size[1]; \
        T *out = (T *)p->out + (plane * p->result[0] + row) * p->result[1]; \
        for (int64_t i = 0; i < reach; i++) column[i] = outside; \
        for (int64_t k = 0; k < p->kernel[0]; k++) { \
            int64_t line = row * p->stride[0] + k * p->dilation[0] - p->pad[0]; \
            if (line < 0 || line >= p->size[0]) continue; \
            const T *restrict from = x + line * p->size[1]; \
            INDEPENDENT for (int64_t i = 0; i < width; i++) { \
                T a = inside[i], b = from[i]; \
                inside[i] = FOLD(a, b, T); \
            } \
        } \
        if (p->stride[1] == 1) name##_along_##S(column, out, p, 1); \
        else if (p->stride[1] == 2) name##_along_##S(column, out, p, 2); \
        else name##_along_##S(column, out, p, p->stride[1]); \
        if (!p->counts[0]) return; \
        int64_t down = ((const int64_t *)p->counts[0])[row]; \
        const int64_t *along = (const int64_t *)p->counts[1]; \
        for (int64_t i = 0; i < p->result[1]; i++) out[i] /= (T)(down * along[i]); \
    }
POOL(pool_largest, f32, float, -INFINITY, POOL_LARGEST)
POOL(pool_largest, f64, double, -INFINITY, POOL_LARGEST)
POOL(pool_sum, f32, float, 0, POOL_SUM)
POOL(pool_sum, f64, double, 0, POOL_SUM)

#endif
