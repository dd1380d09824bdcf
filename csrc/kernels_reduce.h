/* Reductions straight from memory, for kernels.c: `rows` of consecutive elements to a value each,
 * and `columns` of rows that lie side by side. The order of combination depends on the lengths
 * alone: neither on the instruction set nor on the address. */

#include "combine.h"

/* A run of up to RUN_BYTES is read as four streams side by side, which the memory serves faster
 * than one. A step takes LANES of each stream, STEPS steps add up in LANES accumulators; blocks are
 * combined pairwise. No more additions follow each other than in NumPy's pairwise sum. */
enum { LANES = 64, STEPS = 16, STREAMS = 4, STEP = STREAMS * LANES, SHORT = 8, SERIAL = 128 };

#define OR(a, b) ((a) | (b))
#define AND(a, b) ((a) & (b))

#define VALUE(x) (x)
#define TRUTH(x) ((x) != 0)
/* What counts of an element: of a byte that is not 0, taken for a bool, that it is not. */
#define NUMBER_b8 TRUTH
#define NUMBER_i8 VALUE
#define NUMBER_i16 VALUE
#define NUMBER_i32 VALUE
#define NUMBER_i64 VALUE
#define NUMBER_u8 VALUE
#define NUMBER_u16 VALUE
#define NUMBER_u32 VALUE
#define NUMBER_u64 VALUE
#define NUMBER_f32 VALUE
#define NUMBER_f64 VALUE

/* name_F_T combines elements of dtype F (M in memory, READ from there) to a value of dtype T (type
 * A), by way of type B, in which a few elements can be combined without loss. */
#define REDUCER(name, F, M, B, T, A, COMBINE, READ) \
    ALWAYS B name##_##F##_##T##_four(const M *x, int64_t stream) { \
        B a = (B)READ(x[0]), b = (B)READ(x[stream]); \
        B c = (B)READ(x[2 * stream]), d = (B)READ(x[3 * stream]); \
        a = (B)COMBINE(a, b); \
        c = (B)COMBINE(c, d); \
        return (B)COMBINE(a, c); \
    } \
    static A name##_##F##_##T##_block(const M *x, int64_t stream, int64_t steps) { \
        B lane[LANES]; \
        A total[LANES]; \
        for (int j = 0; j < LANES; j++) lane[j] = name##_##F##_##T##_four(x + j, stream); \
        for (int64_t i = 1; i < steps; i++) { \
            x += LANES; \
            for (int j = 0; j < LANES; j++) { \
                B four = name##_##F##_##T##_four(x + j, stream); \
                lane[j] = (B)COMBINE(lane[j], four); \
            } \
        } \
        for (int j = 0; j < LANES; j++) total[j] = (A)lane[j]; \
        for (int width = LANES / 2; width; width /= 2) \
            for (int j = 0; j < width; j++) \
                total[j] = (A)COMBINE(total[j], total[j + width]); \
        return total[0]; \
    } \
    /* Fewer than SHORT elements, one by one. */ \
    ALWAYS A name##_##F##_##T##_few(const M *x, int64_t n) { \
        A total = (A)READ(x[0]); \
        for (int64_t j = 1; j < n; j++) { \
            A next = (A)READ(x[j]); \
            total = (A)COMBINE(total, next); \
        } \
        return total; \
    } \
    /* From SHORT to SERIAL elements, in SHORT lanes. */ \
    ALWAYS A name##_##F##_##T##_some(const M *x, int64_t n) { \
        A lane[SHORT]; \
        int64_t i = SHORT; \
        for (int j = 0; j < SHORT; j++) lane[j] = (A)READ(x[j]); \
        for (; i + SHORT <= n; i += SHORT) \
            for (int j = 0; j < SHORT; j++) { \
                A next = (A)READ(x[i + j]); \
                lane[j] = (A)COMBINE(lane[j], next); \
            } \
        for (int j = 0; i + j < n; j++) { \
            A next = (A)READ(x[i + j]); \
            lane[j] = (A)COMBINE(lane[j], next); \
        } \
        for (int width = SHORT / 2; width; width /= 2) \
            for (int j = 0; j < width; j++) lane[j] = (A)COMBINE(lane[j], lane[j + width]); \
        return lane[0]; \
    } \
    /* Fewer than STEP elements. */ \
    static A name##_##F##_##T##_short(const M *x, int64_t n) { \
        if (n < SHORT) return name##_##F##_##T##_few(x, n); \
        if (n <= SERIAL) return name##_##F##_##T##_some(x, n); \
        A a = name##_##F##_##T##_some(x, SERIAL); \
        A b = name##_##F##_##T##_short(x + SERIAL, n - SERIAL); \
        return (A)COMBINE(a, b); \
    } \
    /* From STEP elements to RUN_BYTES.*/ \
    static A name##_##F##_##T##_run(const M *x, int64_t n) { \
        A part[RUN_BYTES / (STEP * STEPS) + 1]; \
        int64_t steps = n / STEP, count = 0; \
        for (int64_t i = 0; i < steps; i += STEPS) { \
            int64_t left = steps - i < STEPS ? steps - i : STEPS; \
            part[count++] = name##_##F##_##T##_block(x + i * LANES, steps * LANES, left); \
        } \
        if (n % STEP) part[count++] = name##_##F##_##T##_short(x + steps * STEP, n % STEP); \
        while (count > 1) { \
            int64_t half = (count + 1) / 2; \
            for (int64_t i = 0; i < count - half; i++) \
                part[i] = (A)COMBINE(part[i], part[i + half]); \
            count = half; \
        } \
        return part[0]; \
    } \
    static void name##_##F##_##T##_rows(const char *x, int64_t rows, int64_t stride, int64_t n, \
                                        void *out_, int64_t *at, int64_t index) { \
        A *out = out_; \
        if (n < SHORT) \
            for (int64_t i = 0; i < rows; i++) \
                out[i] = name##_##F##_##T##_few((const M *)(x + i * stride), n); \
        else if (n <= SERIAL) \
            for (int64_t i = 0; i < rows; i++) \
                out[i] = name##_##F##_##T##_some((const M *)(x + i * stride), n); \
        else if (n < STEP) \
            for (int64_t i = 0; i < rows; i++) \
                out[i] = name##_##F##_##T##_short((const M *)(x + i * stride), n); \
        else \
            for (int64_t i = 0; i < rows; i++) \
                out[i] = name##_##F##_##T##_run((const M *)(x + i * stride), n); \
    } \
    static void name##_##F##_##T##_columns(const char *x_, int64_t rows, int64_t stride, \
                                           int64_t width, void *out_, int64_t *at, \
                                           int64_t index) { \
        A *restrict out = out_; \
        const M *x = (const M *)x_; \
        int64_t row = stride / (int64_t)sizeof(M), i = 0; \
        if (rows < 4) { \
            for (int64_t j = 0; j < width; j++) out[j] = (A)READ(x[j]); \
            i = 1; \
        } else { \
            for (int64_t j = 0; j < width; j++) \
                out[j] = (A)name##_##F##_##T##_four(x + j, row); \
            i = 4; \
        } \
        for (; i + 4 <= rows; i += 4) { \
            const M *at_row = x + i * row; \
            for (int64_t j = 0; j < width; j++) { \
                A four = (A)name##_##F##_##T##_four(at_row + j, row); \
                out[j] = (A)COMBINE(out[j], four); \
            } \
        } \
        for (; i < rows; i++) { \
            const M *at_row = x + i * row; \
            for (int64_t j = 0; j < width; j++) { \
                A next = (A)READ(at_row[j]); \
                out[j] = (A)COMBINE(out[j], next); \
            } \
        } \
    }

/* argmax and argmin go on from the best value and index so far (-1: none), along ascending indices.
 * The first of the best stays; NaN is better than all others. */
#define PICKER(name, extreme, F, M, W, BETTER) \
    ALWAYS bool name##_##F##_better(M x, M best) { \
        return (x BETTER best) | ((x != x) & (best == best)); \
    } \
    ALWAYS bool name##_##F##_same(M x, M best) { \
        return (x == best) | ((x != x) & (best != best)); \
    } \
    static int64_t name##_##F##_where(const M *x, int64_t n, M best) { \
        int64_t i = 0; \
        for (;; i += LANES) { \
            int first = LANES, count = n - i < LANES ? (int)(n - i) : LANES; \
            for (int j = 0; j < count; j++) { \
                int here = name##_##F##_same(x[i + j], best) ? j : LANES; \
                first = here < first ? here : first; \
            } \
            if (first < LANES) return i + first; \
        } \
    } \
    static void name##_##F##_rows(const char *x_, int64_t rows, int64_t stride, int64_t n, \
                                  void *out, int64_t *at, int64_t index) { \
        M *best = out; \
        for (int64_t i = 0; i < rows; i++) { \
            const M *x = (const M *)(x_ + i * stride); \
            if (n < SHORT && at[i] < 0) { /* without branches, as they could not be foreseen */ \
                M most = extreme##_##F##_##F##_few(x, n); \
                int64_t where = n; \
                for (int64_t j = n - 1; j >= 0; j--) \
                    where -= (where - j) & -(int64_t)name##_##F##_same(x[j], most); \
                best[i] = most; \
                at[i] = index + where; \
                continue; \
            } \
            M most = n < STEP ? extreme##_##F##_##F##_short(x, n) \
                              : extreme##_##F##_##F##_run(x, n); \
            if (at[i] >= 0 && !name##_##F##_better(most, best[i])) continue; \
            best[i] = most; \
            at[i] = index + name##_##F##_where(x, n, most); \
        } \
    } \
    static void name##_##F##_columns(const char *x_, int64_t rows, int64_t stride, int64_t width, \
                                     void *out, int64_t *at, int64_t index) { \
        enum { MOST = 256 }; \
        M best[MOST]; \
        W where[MOST]; \
        for (int64_t from = 0; from < width; from += MOST) { \
            int64_t n = width - from < MOST ? width - from : MOST; \
            const M *x = (const M *)x_ + from; \
            bool begins = at[from] < 0; \
            memcpy(best, begins ? x : (M *)out + from, (size_t)n * sizeof(M)); \
            for (int64_t j = 0; j < n; j++) where[j] = begins ? 0 : -1; \
            for (W i = 0; i < rows; i++) { \
                for (int64_t j = 0; j < n; j++) { \
                    bool take = name##_##F##_better(x[j], best[j]); \
                    best[j] = take ? x[j] : best[j]; \
                    where[j] = take ? i : where[j]; \
                } \
                x += stride / (int64_t)sizeof(M); \
            } \
            memcpy((M *)out + from, best, (size_t)n * sizeof(M)); \
            for (int64_t j = 0; j < n; j++) \
                at[from + j] = where[j] < 0 ? at[from + j] : index + where[j]; \
        } \
    }

/* EMIT receives: name, dtype in memory, its type, the type that a few add up in, the accumulator's
 * dtype, its type, combination, reading. */
#define SUM_OF_INTEGERS(EMIT) \
    EMIT(sum, b8, uint8_t, uint8_t, i64, int64_t, ADD, TRUTH) \
    EMIT(sum, i8, int8_t, int16_t, i64, int64_t, ADD, VALUE) \
    EMIT(sum, i16, int16_t, int32_t, i64, int64_t, ADD, VALUE) \
    EMIT(sum, i32, int32_t, int64_t, i64, int64_t, ADD, VALUE) \
    EMIT(sum, i64, int64_t, int64_t, i64, int64_t, ADD, VALUE) \
    EMIT(sum, u8, uint8_t, uint16_t, u64, uint64_t, ADD, VALUE) \
    EMIT(sum, u16, uint16_t, uint32_t, u64, uint64_t, ADD, VALUE) \
    EMIT(sum, u32, uint32_t, uint64_t, u64, uint64_t, ADD, VALUE) \
    EMIT(sum, u64, uint64_t, uint64_t, u64, uint64_t, ADD, VALUE)
#define AS_DOUBLE(F, M, T, A, EMIT, name, COMBINE) \
    EMIT(name, F, M, double, f64, double, COMBINE, NUMBER_##F)
#define AS_SUMMED(F, M, T, A, EMIT, name, COMBINE) EMIT(name, F, M, A, T, A, COMBINE, NUMBER_##F)
#define AS_IT_IS(F, M, T, A, EMIT, name, COMBINE) EMIT(name, F, M, M, F, M, COMBINE, VALUE)
#define AS_TRUTH(F, M, T, A, EMIT, name, COMBINE) \
    EMIT(name, F, M, uint8_t, b8, uint8_t, COMBINE, TRUTH)
#define EVERY_REDUCER(EMIT) \
    SUM_OF_INTEGERS(EMIT) \
    EMIT(sum, f32, float, float, f32, float, ADD, VALUE) \
    EVERY_TYPE(AS_DOUBLE, EMIT, sum, ADD) \
    EVERY_TYPE(AS_SUMMED, EMIT, prod, MULTIPLY) \
    EVERY_TYPE(AS_IT_IS, EMIT, max, LARGER) \
    EVERY_TYPE(AS_IT_IS, EMIT, min, SMALLER) \
    EVERY_TYPE(AS_TRUTH, EMIT, any, OR) \
    EVERY_TYPE(AS_TRUTH, EMIT, all, AND)
#define EVERY_PICKER(M, name, extreme, BETTER) \
    M(name, extreme, b8, uint8_t, int32_t, BETTER) \
    M(name, extreme, i8, int8_t, int32_t, BETTER) \
    M(name, extreme, i16, int16_t, int32_t, BETTER) \
    M(name, extreme, i32, int32_t, int32_t, BETTER) \
    M(name, extreme, i64, int64_t, int64_t, BETTER) \
    M(name, extreme, u8, uint8_t, int32_t, BETTER) \
    M(name, extreme, u16, uint16_t, int32_t, BETTER) \
    M(name, extreme, u32, uint32_t, int32_t, BETTER) \
    M(name, extreme, u64, uint64_t, int64_t, BETTER) \
    M(name, extreme, f32, float, int32_t, BETTER) \
    M(name, extreme, f64, double, int64_t, BETTER)

EVERY_REDUCER(REDUCER)
EVERY_PICKER(PICKER, argmax, max, >)
EVERY_PICKER(PICKER, argmin, min, <)

#define REDUCER_ENTRY(name, F, M, B, T, A, COMBINE, READ) \
    {#name, D_##F, D_##T, name##_##F##_##T##_rows, name##_##F##_##T##_columns},
#define PICKER_ENTRY(name, extreme, F, M, W, BETTER) \
    {#name, D_##F, D_##F, name##_##F##_rows, name##_##F##_columns},
static const Reducer reducers[] = {
    EVERY_REDUCER(REDUCER_ENTRY)
    EVERY_PICKER(PICKER_ENTRY, argmax, max, >)
    EVERY_PICKER(PICKER_ENTRY, argmin, min, <)
};
