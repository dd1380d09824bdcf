/* Types shared by the tile machine's files. */
#ifndef TRUENO_H
#define TRUENO_H

#include <stdbool.h>
#include <stdint.h>

#include "api.cdef"

/* Elements a tile of values of up to 8 bytes; of wider ones, as many as fit in its bytes. */
enum { TILE = 1024, TILE_BYTES = 8 * TILE, MAX_DIMS = 64 };

/* In the order of trueno/kinds.py. */
enum {
    D_b8, D_i8, D_i16, D_i32, D_i64, D_u8, D_u16, D_u32, D_u64, D_f16, D_f32, D_f64, D_c64, D_c128,
    DTYPES
};

#include "moves.h"

/* Floating-point conditions, as trueno/ops.py numbers them. */
enum { DIVIDE = 1, OVERFLOW = 2, UNDERFLOW = 4, INVALID = 8 };

enum { ERROR_MEMORY = -1, ERROR_TYPE = -2, ERROR_SHAPE = -3, ERROR_INDEX = -4 };

/* `n` elements of up to three operands to one result, which may be one of the operands. */
typedef void Loop(const void *x, const void *y, const void *z, void *out, int64_t n);

/* Keeps in `best`, `at` the better of each pair of values (and its index). */
typedef void Pick(const void *x, const int64_t *index, void *best, int64_t *at, int64_t n);

/* Where the last of ever better values than `best` lies, which is updated; -1 if none is better. */
typedef int64_t Find(const void *x, void *best, int64_t n);

/* Bytes that a reducer takes at most in one go, along a row. */
enum { RUN_BYTES = 128 * 1024 };

/* Reduces from memory: of `rows`, `n` consecutive elements each; of `columns`, `rows` elements each
 * that lie `stride` bytes apart. argmax and argmin go on from the best value and index (-1: none)
 * so far; `index` is that of the first element along the reduced dimension. */
typedef struct {
    const char *name;
    int source, target; /* dtypes of the elements and of the results */
    void (*rows)(const char *x, int64_t rows, int64_t stride, int64_t n, void *out, int64_t *at,
                 int64_t index);
    void (*columns)(const char *x, int64_t rows, int64_t stride, int64_t width, void *out,
                    int64_t *at, int64_t index);
} Reducer;

/* Of a set of numbers: how many, their mean less an origin near them (which the loops are given),
 * the sum of their squared deviations from the mean. */
typedef struct {
    double count, mean, squares;
} Moments;

typedef struct {
    void (*row)(const void *x, int64_t n, const void *origin, Moments *out);
    void (*columns)(const void *x, int64_t rows, int64_t step, int64_t width, const void *origin,
                    Moments *out);
} MomentLoops;

/* The conditions (of those in `wanted`) that turned operands x, y into r. */
typedef int Check(const void *x, const void *y, const void *r, int64_t n, int wanted, int pole);

/* Positions of a product that are computed at a time; the longest side of a small one. */
enum { STRIP = 192, SMALL = 4 };

/* A block of a matrix product: rows of weights times positions of the planes. */
typedef struct {
    const void *weights;  /* packed: panels of rows, each the rows' factors side by side */
    const void *planes;   /* factor k of position i is planes[taps[k] + i] */
    const int64_t *taps;
    int64_t depth, from, whole_depth; /* factors in this part, where it starts, and of all parts */
    int64_t row, row_end;
    int64_t lines, width, line_pitch; /* positions: lines of them, so far apart */
    void *out;            /* of row 0 */
    int64_t row_stride, line_stride;
    const void *bias;     /* a number a row, or NULL: added with the last part */
    bool first;           /* nothing is there to add to */
    void *sums;           /* room for a panel's rows of STRIP positions */
} Product;

enum { GEMM_DEPTH = 384 * 4 }; /* bytes of a row in a block of the depth */

/* A block of a matrix product of floats; steps in elements. */
typedef struct {
    const void *a;
    int64_t a_row, a_k;
    const void *b;        /* panels of columns, `b_panel` apart, whose rows lie `b_k` apart */
    int64_t b_panel, b_k;
    const void *tail;     /* the last panel, packed, where it is not with the others, or NULL */
    int64_t depth, rows, columns;
    void *c;
    int64_t c_row;
    bool add;             /* to what is there */
    int64_t spill;        /* elements of c written in order: a row may reach into the next */
} GemmBlock;

#define OP(name) OP_##name,
#define UNARY(name, ...) OP(name)
#define UNARY2(name, ...) OP(name)
#define BINARY(name, ...) OP(name)
#define BINARY2(name, ...) OP(name)
#define TERNARY2(name, ...) OP(name)
#define PREDICATE(name, ...) OP(name)
#define PREDICATE2(name, ...) OP(name)
#define COMPARE(name, ...) OP(name)
#define SELECT(name) OP(name)
#define DIVISION(name) OP(name)
#define MATH(name) OP(name)
#define MATH2(name) OP(name)
#define CHAIN(name) OP(name)
#define RANGED(name) OP(name)
#define RANGED2(name, ...) OP(name)
#define TRIG(name) OP(name)
enum {
#include "ops.def"
    OPS
};
#include "undef.h"

/* The operations of a pair: the first gives r, the second takes it. */
enum { PAIR_add, PAIR_subtract, PAIR_multiply, PAIR_FIRSTS };
enum { PAIR_plus, PAIR_minus, PAIR_from, PAIR_times, PAIR_SECONDS };

/* Everything that is compiled once an instruction set. */
typedef struct {
    const char *isa;
    Loop *loops[OPS][DTYPES];
    Loop *pairs[PAIR_FIRSTS][PAIR_SECONDS]; /* of float32 */
    Loop *casts[DTYPES][DTYPES];
    Loop *round16;
    Pick *pick[2][DTYPES];
    Find *find[2][DTYPES];
    const Reducer *reducers;
    int reducer_count;
    MomentLoops moments[DTYPES];
    Check *check_float[2], *check_divisor[DTYPES], *check_narrow[2], *check_round16;
    Check *check_order[2], *check_length[2], *check_exp[2]; /* of complex64, of complex128 */
    void (*fill)(void *out, const void *value, int size, int64_t n);
    void (*gather)(char *out, const char *in, int size, int64_t rows, int64_t row_stride,
                   int64_t columns, int64_t column_stride);
    void (*scatter)(char *out, const char *in, int size, int64_t rows, int64_t row_stride,
                    int64_t columns, int64_t column_stride);
    void (*transpose)(char *out, int64_t step, const char *in, int64_t stride, int size,
                      int64_t rows, int64_t columns);
    void (*stream)(char *out, const char *in, int64_t bytes);
    void (*pool[2][DTYPES])(const Pool *, int64_t plane, int64_t row, void *scratch);
    int panel;            /* the rows of a panel, but for the last ones: halves of it */
    void (*product[DTYPES])(const Product *);
    void (*gemm[DTYPES])(const GemmBlock *);
    int gemm_panel, vector; /* bytes of a row in a panel of columns, and of a vector */
    void (*small[DTYPES])(const void *a, int64_t a_step, const void *b, int64_t b_step, void *out,
                          int64_t count, int64_t m, int64_t k, int64_t n);
    const Moves *moves;
} Kernels;

extern const Kernels *trueno_kernels;

#endif
