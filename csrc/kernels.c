/* The loops of every operation and dtype: compiled once an instruction set (KERNELS names the
 * table), vectorised by the compiler. No loop reads or writes past its n elements. */
#include <stddef.h>

#include "convert.h"
#include "copy.h"
#include "division.h"
#include "math_f32.h"
#include "math_f64.h"
#include "gemm.h"
#include "scalar_complex.h"
#include "small.h"
#include "transpose.h"
#include "trueno.h"

/* A result may be written over an operand, element on element, so that `restrict` would lie. What
 * holds, and suffices to vectorise, is that no iteration depends on another. */
#ifdef __clang__
#define INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define INDEPENDENT _Pragma("GCC ivdep")
#endif
#define EACH INDEPENDENT for (int64_t i = 0; i < n; i++)

#define LOOP(function) \
    static void function(const void *x_, const void *y_, const void *z_, void *out_, int64_t n)

/* Classes of dtypes. M receives: suffix, type in memory, type computed in, and the rest. */
#define BOOLS(M, ...) M(b8, uint8_t, bool, __VA_ARGS__)
#define SIGNED(M, ...) \
    M(i8, int8_t, int8_t, __VA_ARGS__) \
    M(i16, int16_t, int16_t, __VA_ARGS__) \
    M(i32, int32_t, int32_t, __VA_ARGS__) \
    M(i64, int64_t, int64_t, __VA_ARGS__)
#define UNSIGNED(M, ...) \
    M(u8, uint8_t, uint8_t, __VA_ARGS__) \
    M(u16, uint16_t, uint16_t, __VA_ARGS__) \
    M(u32, uint32_t, uint32_t, __VA_ARGS__) \
    M(u64, uint64_t, uint64_t, __VA_ARGS__)
#define HALVES(M, ...) M(f16, uint16_t, uint16_t, __VA_ARGS__)
#define FLOATS(M, ...) M(f32, float, float, __VA_ARGS__) M(f64, double, double, __VA_ARGS__)
#define COMPLEXES(M, ...) \
    M(c64, complex64, complex64, __VA_ARGS__) M(c128, complex128, complex128, __VA_ARGS__)
#define INTS(M, ...) SIGNED(M, __VA_ARGS__) UNSIGNED(M, __VA_ARGS__)
#define INTEGRAL(M, ...) BOOLS(M, __VA_ARGS__) INTS(M, __VA_ARGS__)
#define NUMBERS(M, ...) INTS(M, __VA_ARGS__) FLOATS(M, __VA_ARGS__)
#define ALL(M, ...) BOOLS(M, __VA_ARGS__) NUMBERS(M, __VA_ARGS__)

#define SHORT_INTS(M, ...) \
    M(i8, int8_t, uint8_t, __VA_ARGS__) \
    M(i16, int16_t, uint16_t, __VA_ARGS__) \
    M(i32, int32_t, uint32_t, __VA_ARGS__) \
    M(u8, uint8_t, uint8_t, __VA_ARGS__) \
    M(u16, uint16_t, uint16_t, __VA_ARGS__) \
    M(u32, uint32_t, uint32_t, __VA_ARGS__)
#define LONG_INTS(M, ...) \
    M(i64, int64_t, uint64_t, __VA_ARGS__) \
    M(u64, uint64_t, uint64_t, __VA_ARGS__)

/* The same again, for use inside of the above: the preprocessor expands no macro within itself. */
#define TO_INTS(M, ...) \
    M(i8, int8_t, int8_t, __VA_ARGS__) \
    M(i16, int16_t, int16_t, __VA_ARGS__) \
    M(i32, int32_t, int32_t, __VA_ARGS__) \
    M(i64, int64_t, int64_t, __VA_ARGS__) \
    M(u8, uint8_t, uint8_t, __VA_ARGS__) \
    M(u16, uint16_t, uint16_t, __VA_ARGS__) \
    M(u32, uint32_t, uint32_t, __VA_ARGS__) \
    M(u64, uint64_t, uint64_t, __VA_ARGS__)
#define TO_FLOATS(M, ...) M(f32, float, float, __VA_ARGS__) M(f64, double, double, __VA_ARGS__)
#define TO_COMPLEXES(M, ...) \
    M(c64, complex64, complex64, __VA_ARGS__) M(c128, complex128, complex128, __VA_ARGS__)
#define TO_ALL(M, ...) \
    M(b8, uint8_t, bool, __VA_ARGS__) TO_INTS(M, __VA_ARGS__) TO_FLOATS(M, __VA_ARGS__) \
    TO_COMPLEXES(M, __VA_ARGS__)

/* ---- elementwise */

#define UNARY_LOOP(S, MEMORY, TYPE, name, expression) \
    LOOP(name##_loop_##S) { \
        typedef TYPE T; \
        const MEMORY *xs = x_; \
        MEMORY *out = out_; \
        EACH { T x = (T)xs[i]; out[i] = (MEMORY)(T)(expression); } \
    }
#define BINARY_LOOP(S, MEMORY, TYPE, name, expression) \
    LOOP(name##_loop_##S) { \
        typedef TYPE T; \
        const MEMORY *xs = x_, *ys = y_; \
        MEMORY *out = out_; \
        EACH { T x = (T)xs[i], y = (T)ys[i]; out[i] = (MEMORY)(T)(expression); } \
    }
#define TERNARY_LOOP(S, MEMORY, TYPE, name, expression) \
    LOOP(name##_loop_##S) { \
        typedef TYPE T; \
        const MEMORY *xs = x_, *ys = y_, *zs = z_; \
        MEMORY *out = out_; \
        EACH { T x = (T)xs[i], y = (T)ys[i], z = (T)zs[i]; out[i] = (MEMORY)(T)(expression); } \
    }
#define PREDICATE_LOOP(S, MEMORY, TYPE, name, expression) \
    LOOP(name##_loop_##S) { \
        typedef TYPE T; \
        const MEMORY *xs = x_; \
        uint8_t *out = out_; \
        EACH { T x = (T)xs[i]; out[i] = (bool)(expression); } \
    }
#define COMPARE_LOOP(S, MEMORY, TYPE, name, expression) \
    LOOP(name##_loop_##S) { \
        typedef TYPE T; \
        const MEMORY *xs = x_, *ys = y_; \
        uint8_t *out = out_; \
        EACH { T x = (T)xs[i], y = (T)ys[i]; out[i] = (bool)(expression); } \
    }
#define SELECT_LOOP(S, MEMORY, TYPE, name) \
    LOOP(name##_loop_##S) { \
        const uint8_t *xs = x_; \
        const MEMORY *ys = y_, *zs = z_; \
        MEMORY *out = out_; \
        EACH { MEMORY y = ys[i], z = zs[i]; out[i] = xs[i] ? y : z; } \
    }
/* Where all arguments of a block are near (neither extreme nor special), a shorter way gives the
 * same bits. Blocks are short, so that one extreme argument costs little, and so that the look at
 * the next block is under way while one is computed. */
enum { BLOCK = 128 };
#define EACH_BLOCK for (int64_t left = n; left > 0; left -= n, xs += n, ys += n, out += n)
#define RANGED_LOOP(S, T, I, name, ARGUMENTS) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_, *ys = y_; \
        T *out = out_; \
        EACH_BLOCK { \
            n = left < BLOCK ? left : BLOCK; \
            I near = 0; \
            EACH near |= t_##name##_is_near_##S ARGUMENTS; \
            if (near >= 0) EACH out[i] = t_##name##_near_##S ARGUMENTS; \
            else EACH out[i] = t_##name##_##S ARGUMENTS; \
        } \
    }
/* Long chains of dependent instructions leave the processor waiting: of CHAIN rows four elements,
 * far apart, are computed side by side, and the compiler interleaves them (-fschedule-insns). */
#define CHAIN_LOOP(S, T, name) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_; \
        T *out = out_; \
        int64_t part = n / 4, j = part, k = 2 * part, l = 3 * part; \
        INDEPENDENT for (int64_t i = 0; i < part; i++) { \
            T a = t_##name##_##S(xs[i]), b = t_##name##_##S(xs[i + j]), \
              c = t_##name##_##S(xs[i + k]), d = t_##name##_##S(xs[i + l]); \
            out[i] = a; \
            out[i + j] = b; \
            out[i + k] = c; \
            out[i + l] = d; \
        } \
        for (int64_t i = 4 * part; i < n; i++) out[i] = t_##name##_##S(xs[i]); \
    }
/* Angles beyond the reach of the fast reduction are mended one by one. */
#define TRIG_LOOP(S, T, I, LIMIT, name) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_, *ys = xs; \
        T *out = out_, angles[BLOCK]; \
        EACH_BLOCK { \
            n = left < BLOCK ? left : BLOCK; \
            I near = 0; \
            EACH near |= t_within_##S(xs[i], LIMIT); \
            if (near < 0) memcpy(angles, xs, (size_t)n * sizeof(T)); \
            EACH out[i] = t_##name##_##S(xs[i]); \
            for (int64_t i = 0; near < 0 && i < n; i++) \
                if (fabs_##S(angles[i]) > LIMIT) out[i] = t_##name##_big_##S(angles[i]); \
        } \
    }
/* Quotients out of reach of the fast remainder (among them those of zeros, infinities and NaN)
 * likewise. */
#define FLOAT_DIVISION_LOOP(S, MEMORY, T, name) \
    LOOP(name##_loop_##S) { \
        const T *xs = x_, *ys = y_; \
        T *out = out_; \
        int far = 0; \
        EACH far |= !((fabs_##S(xs[i] / ys[i]) < QUOTIENT_LIMIT_##S) & \
                      (fabs_##S(ys[i]) < (T)INFINITY)); \
        if (!far) { \
            EACH { \
                T x = xs[i], y = ys[i]; \
                out[i] = finish_##name##_##S(x, y, near_fmod_##S(x, y)); \
            } \
        } else { \
            for (int64_t i = 0; i < n; i++) { \
                T x = xs[i], y = ys[i]; \
                out[i] = finish_##name##_##S(x, y, fmod_##S(x, y)); \
            } \
        } \
    }
#include "kernels_division.h"

#define OP(name)
#define UNARY(name, TYPES, expression) TYPES(UNARY_LOOP, name, expression)
#define UNARY2(name, A, a, B, b) UNARY(name, A, a) UNARY(name, B, b)
#define BINARY(name, TYPES, expression) TYPES(BINARY_LOOP, name, expression)
#define BINARY2(name, A, a, B, b) BINARY(name, A, a) BINARY(name, B, b)
#define TERNARY2(name, A, a, B, b) A(TERNARY_LOOP, name, a) B(TERNARY_LOOP, name, b)
#define PREDICATE(name, TYPES, expression) TYPES(PREDICATE_LOOP, name, expression)
#define PREDICATE2(name, A, a, B, b) PREDICATE(name, A, a) PREDICATE(name, B, b)
#define COMPARE(name, TYPES, expression) TYPES(COMPARE_LOOP, name, expression)
#define SELECT(name) ALL(SELECT_LOOP, name)
#define DIVISION(name) \
    SHORT_INTS(SHORT_DIVISION_LOOPS, name) \
    LONG_INTS(LONG_DIVISION_LOOPS, name) \
    FLOATS(FLOAT_DIVISION_LOOP, name)
#define MATH(name) \
    UNARY_LOOP(f32, float, float, name, t_##name##_f32(x)) \
    UNARY_LOOP(f64, double, double, name, t_##name##_f64(x))
#define MATH2(name) \
    BINARY_LOOP(f32, float, float, name, t_##name##_f32(x, y)) \
    BINARY_LOOP(f64, double, double, name, t_##name##_f64(x, y))
#define CHAIN(name) CHAIN_LOOP(f32, float, name) CHAIN_LOOP(f64, double, name)
#define RANGED(name) \
    RANGED_LOOP(f32, float, int32_t, name, (xs[i])) \
    RANGED_LOOP(f64, double, int64_t, name, (xs[i]))
#define RANGED2(name, TYPES, expression) \
    BINARY(name, TYPES, expression) \
    RANGED_LOOP(f32, float, int32_t, name, (xs[i], ys[i])) \
    RANGED_LOOP(f64, double, int64_t, name, (xs[i], ys[i]))
#define TRIG(name) \
    TRIG_LOOP(f32, float, int32_t, T_TRIG_LIMIT_F32, name) \
    TRIG_LOOP(f64, double, int64_t, T_TRIG_LIMIT_F64, name)
#include "ops.def"
#include "undef.h"
#include "kernels_complex.h"

/* ---- pairs of operations: the first's results are not stored and loaded again. Of float64, whose
 * tiles are twice as long, three operands and a result fill the first-level cache: nothing
 * gained. */

#define PAIR_LOOP(first, second, expression) \
    LOOP(first##_##second) { \
        const float *xs = x_, *ys = y_, *zs = z_; \
        float *out = out_; \
        EACH { float x = xs[i], y = ys[i], z = zs[i]; out[i] = expression; } \
    }
#define PAIRS_AFTER(M, first, r) \
    M(first, plus, r + z) M(first, minus, r - z) M(first, from, z - r) M(first, times, r * z)
#define PAIRS(M) \
    PAIRS_AFTER(M, add, (x + y)) \
    PAIRS_AFTER(M, subtract, (x - y)) \
    PAIRS_AFTER(M, multiply, (x * y))
PAIRS(PAIR_LOOP)

/* ---- casts */

#define CAST_LOOP(S, MEMORY, TYPE, FROM, FROM_MEMORY, FROM_TYPE, value) \
    LOOP(cast_##FROM##_##S) { \
        typedef TYPE T; \
        const FROM_MEMORY *xs = x_; \
        MEMORY *out = out_; \
        EACH { FROM_TYPE x = (FROM_TYPE)xs[i]; out[i] = (MEMORY)(T)(value); } \
    }
#define FLOAT_CAST_LOOP(S, MEMORY, TYPE, FROM, T) \
    CAST_LOOP(S, MEMORY, TYPE, FROM, T, T, to_##S##_##FROM(x))
#define CASTS_FROM(S, MEMORY, T, unused) TO_ALL(CAST_LOOP, S, MEMORY, T, x)
#define CASTS_FROM_FLOAT(S, MEMORY, T, unused) \
    TO_INTS(FLOAT_CAST_LOOP, S, T) \
    CAST_LOOP(b8, uint8_t, bool, S, T, T, x != 0) \
    TO_FLOATS(CAST_LOOP, S, T, T, x) \
    TO_COMPLEXES(CAST_LOOP, S, T, T, x)
#define COMPLEX_CAST_LOOP(S, MEMORY, TYPE, FROM, FROM_MEMORY, FROM_TYPE, REAL) \
    CAST_LOOP(S, MEMORY, TYPE, FROM, FROM_MEMORY, FROM_TYPE, to_##S##_##REAL(RE(x)))
#define CASTS_FROM_COMPLEX(S, T, REAL) \
    TO_INTS(COMPLEX_CAST_LOOP, S, T, T, REAL) \
    CAST_LOOP(b8, uint8_t, bool, S, T, T, (RE(x) != 0) | (IM(x) != 0)) \
    TO_FLOATS(CAST_LOOP, S, T, T, RE(x)) \
    TO_COMPLEXES(CAST_LOOP, S, T, T, x)
INTEGRAL(CASTS_FROM, )
FLOATS(CASTS_FROM_FLOAT, )
CASTS_FROM_COMPLEX(c64, complex64, f32)
CASTS_FROM_COMPLEX(c128, complex128, f64)

/* ---- argmax, argmin: the better value, NaN before all others, the smaller index among equals */

#define PICK_LOOP(S, MEMORY, T, name, BETTER) \
    static void name##_##S(const void *x_, const int64_t *index, void *best_, int64_t *at, \
                           int64_t n) { \
        const MEMORY *xs = x_; \
        MEMORY *best = best_; \
        EACH { \
            T x = (T)xs[i], y = (T)best[i]; \
            int64_t a = index[i], b = at[i]; \
            bool nan = x != x, was_nan = y != y; \
            bool equal = (x == y) | (nan & was_nan); \
            bool take = (x BETTER y) | (nan & !was_nan) | (equal & (a < b)); \
            best[i] = take ? xs[i] : best[i]; \
            at[i] = take ? a : b; \
        } \
    }
ALL(PICK_LOOP, pick_largest, >)
ALL(PICK_LOOP, pick_smallest, <)

/* The first element of x that is better than `best`, which it replaces; -1 if there is none. Most
 * tiles have none, and one look without branches tells. */
#define FIND_LOOP(S, MEMORY, T, name, BETTER) \
    static int64_t name##_##S(const void *x_, void *best_, int64_t n) { \
        const MEMORY *xs = x_; \
        T best = (T)*(MEMORY *)best_; \
        int64_t at = -1; \
        int any = 0; \
        if (best != best) return -1; \
        EACH { T x = (T)xs[i]; any |= (x BETTER best) | (x != x); } \
        for (int64_t i = 0; any && i < n; i++) { \
            T x = (T)xs[i]; \
            if (!((x BETTER best) | (x != x))) continue; \
            best = x; \
            at = i; \
            if (x != x) break; \
        } \
        *(MEMORY *)best_ = (MEMORY)best; \
        return at; \
    }
ALL(FIND_LOOP, find_largest, >)
ALL(FIND_LOOP, find_smallest, <)

#include "kernels_reduce.h"
#include "kernels_moments.h"

/* ---- conditions */

/* A first look sees whether any result is infinite, NaN or (if that matters) tiny: seldom. */
#define CHECK_FLOAT(S, T, I, EXPONENT, TINIEST) \
    static int check_float_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                               int wanted, int pole) { \
        const T *xs = x_, *ys = y_, *rs = r_, *poles = pole ? y_ : x_; \
        I least = wanted & UNDERFLOW ? TINIEST : 0, special = 0; \
        EACH { \
            I magnitude = bits_##S(rs[i]) & ~LOWEST(I); \
            special |= (magnitude - least) | (EXPONENT - 1 - magnitude); \
        } \
        if (special >= 0) return 0; \
        I invalid = 0, at_pole = 0, overflow = 0, underflow = 0; \
        EACH { \
            T x = xs[i], y = ys[i], r = rs[i]; \
            I finite = (fabs_##S(x) < (T)INFINITY) & (fabs_##S(y) < (T)INFINITY); \
            I infinite = finite & (fabs_##S(r) == (T)INFINITY); \
            I zero = poles[i] == 0; \
            invalid |= (r != r) & (x == x) & (y == y); \
            at_pole |= infinite & zero; \
            overflow |= infinite & !zero; \
            underflow |= finite & (x != 0) & (fabs_##S(r) < from_bits_##S(TINIEST)); \
        } \
        if (!(wanted & OVERFLOW)) at_pole |= overflow; \
        if (!(wanted & DIVIDE)) overflow |= at_pole; \
        return wanted & ((invalid ? INVALID : 0) | (at_pole ? DIVIDE : 0) | \
                         (overflow ? OVERFLOW : 0) | (underflow ? UNDERFLOW : 0)); \
    }
CHECK_FLOAT(f32, float, int32_t, 0x7f800000, 0x00800000)
CHECK_FLOAT(f64, double, int64_t, 0x7ff0000000000000, 0x0010000000000000)

/* Integer quotients: zero divisors, and the one quotient that is out of range. A reciprocal's
 * divisor is its only operand; `pole` says so. */
#define CHECK_DIVISOR(S, MEMORY, T, unused) \
    static int check_divisor_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                                 int wanted, int pole) { \
        const T *xs = x_, *ys = y_; \
        T zero = 0, over = 0; \
        EACH { \
            zero |= ys[i] == 0; \
            over |= IS_SIGNED(T) & (ys[i] == (T)-1) & (xs[i] == LOWEST(T)); \
        } \
        return wanted & ((zero ? DIVIDE | INVALID : 0) | (over && pole ? OVERFLOW : 0)); \
    }
INTS(CHECK_DIVISOR, )

#define CHECK_NARROW(S, T) \
    static int check_narrow_##S(const void *x_, const void *y_, const void *r_, int64_t n, \
                                int wanted, int pole) { \
        const T *xs = x_; \
        const uint16_t *rs = r_; \
        T over = 0; \
        EACH over += (fabs_##S(xs[i]) < (T)INFINITY) & ((rs[i] & 0x7fff) == 0x7c00) ? 1 : 0; \
        return over != 0 ? wanted & OVERFLOW : 0; \
    }
CHECK_NARROW(f32, float)
CHECK_NARROW(f64, double)

static int check_round16(const void *x_, const void *y_, const void *r_, int64_t n, int wanted,
                         int pole) {
    const float *xs = x_, *rs = r_;
    int32_t over = 0, under = 0;
    EACH {
        over |= (fabsf(xs[i]) < INFINITY) & (fabsf(rs[i]) == INFINITY);
        under |= (fabsf(xs[i]) < 0x1p-14f) & (xs[i] != rs[i]);
    }
    return wanted & ((over ? OVERFLOW : 0) | (under ? UNDERFLOW : 0));
}

/* ---- moving elements */

typedef struct { uint64_t low, high; } Sixteen;

static void fill(void *out_, const void *value, int size, int64_t n) {
#define FILL(T) { T v, *out = out_; memcpy(&v, value, sizeof v); EACH out[i] = v; }
    if (size == 1) FILL(uint8_t)
    else if (size == 2) FILL(uint16_t)
    else if (size == 4) FILL(uint32_t)
    else if (size == 8) FILL(uint64_t)
    else FILL(Sixteen)
#undef FILL
}

/* Strided memory on one side need not be aligned. */
#define MOVES(B, T) \
    typedef struct __attribute__((packed)) { T v; } any_##B; \
    static void gather_##B(char *out, const char *in, int64_t n, int64_t stride, int64_t step) { \
        if (stride == B && step == 1) { copy_bytes(out, in, n * B); return; } \
        T *to = (T *)out; \
        EACH to[i * step] = ((const any_##B *)(in + i * stride))->v; \
    } \
    static void scatter_##B(char *out, const char *in, int64_t n, int64_t stride, int64_t step) { \
        if (stride == B && step == 1) { copy_bytes(out, in, n * B); return; } \
        const T *from = (const T *)in; \
        EACH ((any_##B *)(out + i * stride))->v = from[i * step]; \
    }
MOVES(1, uint8_t)
MOVES(2, uint16_t)
MOVES(4, uint32_t)
MOVES(8, uint64_t)
MOVES(16, Sixteen)

/* The longer of the two dimensions makes the inner loop, unless the rows are contiguous. */
#define SWAPPED(rows, columns, column_stride, size) \
    ((rows) > (columns) && (columns) < 16 && !((column_stride) == (size) && (columns) > 4))

#define MOVE_2D(direction, OUT, IN) \
    static void direction##_2d(OUT, IN, int size, int64_t rows, int64_t row_stride, \
                               int64_t columns, int64_t column_stride) { \
        if (SWAPPED(rows, columns, column_stride, size)) { \
            for (int64_t j = 0; j < columns; j++) \
                MOVE_LINE(direction, j * size, j * column_stride, rows, row_stride, columns); \
        } else { \
            for (int64_t j = 0; j < rows; j++) \
                MOVE_LINE(direction, j * columns * size, j * row_stride, columns, column_stride, \
                          1); \
        } \
    }
#define MOVE_LINE(direction, dense, strided, n, stride, step) \
    (size == 1   ? direction##_1(TO(dense, strided), FROM(dense, strided), n, stride, step) \
     : size == 2 ? direction##_2(TO(dense, strided), FROM(dense, strided), n, stride, step) \
     : size == 4 ? direction##_4(TO(dense, strided), FROM(dense, strided), n, stride, step) \
     : size == 8 ? direction##_8(TO(dense, strided), FROM(dense, strided), n, stride, step) \
                 : direction##_16(TO(dense, strided), FROM(dense, strided), n, stride, step))
#define TO(dense, strided) out + (dense)
#define FROM(dense, strided) in + (strided)
MOVE_2D(gather, char *out, const char *in)
#undef TO
#undef FROM
#define TO(dense, strided) out + (strided)
#define FROM(dense, strided) in + (dense)
MOVE_2D(scatter, char *out, const char *in)

/* Past the cache: a result larger than it would only push out what may be needed again, and be
 * read before it is written. */
static void stream(char *out, const char *in, int64_t bytes) {
#if defined(__AVX512F__) || defined(__AVX__) || defined(__SSE2__)
    int64_t head = -(intptr_t)out & 63;
    head = head < bytes ? head : bytes;
    memcpy(out, in, (size_t)head);
    int64_t i = head;
    for (; i + 64 <= bytes; i += 64) {
#if defined(__AVX512F__)
        _mm512_stream_si512((void *)(out + i), _mm512_loadu_si512(in + i));
#elif defined(__AVX__)
        for (int j = 0; j < 64; j += 32)
            _mm256_stream_si256((__m256i *)(out + i + j),
                                _mm256_loadu_si256((const __m256i *)(in + i + j)));
#else
        for (int j = 0; j < 64; j += 16)
            _mm_stream_si128((__m128i *)(out + i + j),
                             _mm_loadu_si128((const __m128i *)(in + i + j)));
#endif
    }
    memcpy(out + i, in + i, (size_t)(bytes - i));
#else
    copy_bytes(out, in, bytes);
#endif
}

#include "pool.h"

/* ---- the table */

#define ENTRY(S, MEMORY, T, name, ...) [OP_##name][D_##S] = name##_loop_##S,
#define CAST_ENTRY(S, MEMORY, T, FROM) [D_##FROM][D_##S] = cast_##FROM##_##S,
#define CAST_ENTRIES(S, MEMORY, T, unused) TO_ALL(CAST_ENTRY, S)
#define PICK_ENTRY(S, MEMORY, T, name) [D_##S] = name##_##S,
#define PAIR_ENTRY(first, second, expression) \
    [PAIR_##first][PAIR_##second] = first##_##second,
#define DIVISOR_ENTRY(S, MEMORY, T, unused) [D_##S] = check_divisor_##S,

#define OP(name)
#define UNARY(name, TYPES, expression) TYPES(ENTRY, name, )
#define UNARY2(name, A, a, B, b) A(ENTRY, name, ) B(ENTRY, name, )
#define BINARY UNARY
#define BINARY2 UNARY2
#define TERNARY2 UNARY2
#define PREDICATE UNARY
#define PREDICATE2 UNARY2
#define COMPARE UNARY
#define SELECT(name) ALL(ENTRY, name, )
#define DIVISION(name) NUMBERS(ENTRY, name, )
#define MATH(name) FLOATS(ENTRY, name, )
#define MATH2 MATH
#define CHAIN MATH
#define RANGED MATH
#define RANGED2(name, TYPES, expression) TYPES(ENTRY, name, ) FLOATS(ENTRY, name, )
#define TRIG MATH
extern const Moves MOVE_TABLE;
const Kernels KERNELS = {
    .isa = ISA,
    .loops = {
#include "ops.def"
#include "undef.h"
#define COMPLEX_ENTRY(name, ...) COMPLEXES(ENTRY, name, )
#define UNARY COMPLEX_ENTRY
#define BINARY COMPLEX_ENTRY
#define PREDICATE COMPLEX_ENTRY
#define COMPARE COMPLEX_ENTRY
#define SELECT COMPLEX_ENTRY
#define DIVISION COMPLEX_ENTRY
#define LENGTH COMPLEX_ENTRY
#define ANGLE COMPLEX_ENTRY
#include "ops_complex.def"
#include "undef.h"
    },
    .casts = {
        INTEGRAL(CAST_ENTRIES, ) FLOATS(CAST_ENTRIES, ) COMPLEXES(CAST_ENTRIES, )
        [D_f16][D_f32] = widen_f16, [D_f32][D_f16] = narrow_f32, [D_f64][D_f16] = narrow_f64,
    },
    .pairs = {PAIRS(PAIR_ENTRY)},
    .round16 = round_to_f16,
    .pick = {{ALL(PICK_ENTRY, pick_smallest)}, {ALL(PICK_ENTRY, pick_largest)}},
    .find = {{ALL(PICK_ENTRY, find_smallest)}, {ALL(PICK_ENTRY, find_largest)}},
    .reducers = reducers,
    .reducer_count = sizeof reducers / sizeof *reducers,
    .moments = {EVERY_TYPE(MOMENTS_ENTRY, )},
    .check_float = {check_float_f32, check_float_f64},
    .check_divisor = {INTS(DIVISOR_ENTRY, )},
    .check_narrow = {check_narrow_f32, check_narrow_f64},
    .check_round16 = check_round16,
    .check_order = {check_order_c64, check_order_c128},
    .check_length = {check_length_c64, check_length_c128},
    .check_exp = {check_exp_c64, check_exp_c128},
    .fill = fill,
    .gather = gather_2d,
    .scatter = scatter_2d,
    .transpose = transpose,
    .stream = stream,
    .pool = {{[D_f32] = pool_largest_f32, [D_f64] = pool_largest_f64},
             {[D_f32] = pool_sum_f32, [D_f64] = pool_sum_f64}},
    .panel = ROWS_AT_MOST,
    .product = {PRODUCTS},
    .gemm = {GEMMS},
    .gemm_panel = GEMM_PANEL,
    .vector = VECTOR,
    .small = {[D_f32] = small_f32, [D_f64] = small_f64},
    .moves = &MOVE_TABLE,
};
