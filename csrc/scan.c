/* Scans: every prefix of a line of elements, combined. Lines lie along one dimension of an array in
 * C order, seen as (outer, length, inner).
 *
 * One chain of floating additions is bound by their latency, so that CHAINS of them go together:
 * of as many lines, or of as many pieces of a line that is longer than one. Where a line is cut
 * depends on its length alone. A piece is scanned by itself, and what goes before it, its carry,
 * joins when an element is stored. The carry of the next piece is the last element of this one to
 * the bit, since the totals, of a pass before, are summed in the scan's own order: so no element
 * jumps by more than a rounding where pieces meet, and differences of sums, as rolling means take
 * them, are as good as those of a single chain, NumPy's. */
#include <math.h>
#include <string.h>

#include "combine.h"
#include "memory.h"
#include "split.h"
#include "trueno.h"

/* A piece is no power of two, lest all chains compete for one cache set. */
enum { CHAINS = 8, PIECE = 2000, MOST_BREADTH = 4096, LEAST_BREADTH = 64, UNIT = 1 << 16 };
#define WORTH_THREADS ((int64_t)1 << 17) /* elements */

typedef struct {
    int source, target, kind;
    /* `count` chains of `length` elements, `stride` apart: scanned, joined to their carries */
    void (*chains)(const void *x, int64_t stride, int64_t length, int64_t count, void *out,
                   int64_t out_stride, const void *carry);
    /* the last elements of such chains, which lie one after the other, before they are joined */
    void (*totals)(const void *x, int64_t length, int64_t count, void *totals);
    /* carry = carry (+) total */
    void (*join)(void *carry, const void *total);
    /* out = before (+) x, breadth by breadth; `before` is NULL in front of the first */
    void (*step)(const void *x, const void *before, void *out, int64_t breadth);
    void (*begin)(void *out, int64_t n);
} Scanner;

typedef struct {
    const Scanner *scanner;
    const char *x;
    char *out;
    int64_t outer, length, inner;
    int64_t out_length;  /* length, or one more with the initial value in front */
    int64_t size, out_size;
    int64_t groups;      /* of pieces, a line */
    int64_t pieces;      /* a line */
    char *carry;         /* [outer][pieces] */
    int64_t breadth, panels;
} Scan;

/* Integers combine in a cycle, so that one chain is as fast as many, and have no order. */
#define FLOATING(A) ((A)0.5 != 0)

#define SCANNER(name, F, M, T, A, COMBINE, IDENTITY) \
    static void name##_##F##_begin(void *out_, int64_t n) { \
        A *out = out_; \
        for (int64_t i = 0; i < n; i++) out[i] = IDENTITY; \
    } \
    static void name##_##F##_chains(const void *x_, int64_t stride, int64_t length, \
                                    int64_t count, void *out_, int64_t out_stride, \
                                    const void *carry_) { \
        const M *x = x_; \
        A *out = out_, now[CHAINS], carry[CHAINS]; \
        name##_##F##_begin(now, CHAINS); \
        memcpy(carry, carry_, (size_t)count * sizeof(A)); \
        if (count == CHAINS && FLOATING(A)) { \
            for (int64_t i = 0; i < length; i++) \
                for (int k = 0; k < CHAINS; k++) { \
                    A next = (A)x[k * stride + i]; \
                    now[k] = (A)COMBINE(now[k], next); \
                    out[k * out_stride + i] = (A)COMBINE(carry[k], now[k]); \
                } \
        } else { \
            for (int64_t k = 0; k < count; k++) \
                for (int64_t i = 0; i < length; i++) { \
                    A next = (A)x[k * stride + i]; \
                    now[k] = (A)COMBINE(now[k], next); \
                    out[k * out_stride + i] = (A)COMBINE(carry[k], now[k]); \
                } \
        } \
    } \
    static void name##_##F##_totals(const void *x_, int64_t length, int64_t count, \
                                    void *totals) { \
        const M *x = x_; \
        A now[CHAINS]; \
        name##_##F##_begin(now, CHAINS); \
        if (count == CHAINS && FLOATING(A)) { \
            for (int64_t i = 0; i < length; i++) \
                for (int k = 0; k < CHAINS; k++) { \
                    A next = (A)x[k * length + i]; \
                    now[k] = (A)COMBINE(now[k], next); \
                } \
        } else { \
            for (int64_t k = 0; k < count; k++) \
                for (int64_t i = 0; i < length; i++) { \
                    A next = (A)x[k * length + i]; \
                    now[k] = (A)COMBINE(now[k], next); \
                } \
        } \
        memcpy(totals, now, (size_t)count * sizeof(A)); \
    } \
    static void name##_##F##_join(void *carry_, const void *total) { \
        A *carry = carry_; \
        *carry = (A)COMBINE(*carry, *(const A *)total); \
    } \
    static void name##_##F##_step(const void *x_, const void *before_, void *out_, \
                                  int64_t breadth) { \
        const M *x = x_; \
        const A *before = before_; \
        A *restrict out = out_; \
        if (!before) \
            for (int64_t j = 0; j < breadth; j++) out[j] = (A)x[j]; \
        else \
            for (int64_t j = 0; j < breadth; j++) { \
                A next = (A)x[j]; \
                out[j] = (A)COMBINE(before[j], next); \
            } \
    }

/* M receives: name, dtype and type in memory, of the result; combination; the first carry, which
 * leaves a first element as it is (-0.0 too). */
#define SUM(F, M, T, A, EMIT) EMIT(sum, F, M, T, A, ADD, (A)-0.0)
#define PROD(F, M, T, A, EMIT) EMIT(prod, F, M, T, A, MULTIPLY, 1)
#define EXTREMES(M, name, COMBINE, least) \
    M(name, b8, uint8_t, b8, uint8_t, COMBINE, least(0, 1)) \
    M(name, i8, int8_t, i8, int8_t, COMBINE, least(INT8_MIN, INT8_MAX)) \
    M(name, i16, int16_t, i16, int16_t, COMBINE, least(INT16_MIN, INT16_MAX)) \
    M(name, i32, int32_t, i32, int32_t, COMBINE, least(INT32_MIN, INT32_MAX)) \
    M(name, i64, int64_t, i64, int64_t, COMBINE, least(INT64_MIN, INT64_MAX)) \
    M(name, u8, uint8_t, u8, uint8_t, COMBINE, least(0, UINT8_MAX)) \
    M(name, u16, uint16_t, u16, uint16_t, COMBINE, least(0, UINT16_MAX)) \
    M(name, u32, uint32_t, u32, uint32_t, COMBINE, least(0, UINT32_MAX)) \
    M(name, u64, uint64_t, u64, uint64_t, COMBINE, least(0, UINT64_MAX)) \
    M(name, f32, float, f32, float, COMBINE, least(-INFINITY, INFINITY)) \
    M(name, f64, double, f64, double, COMBINE, least(-INFINITY, INFINITY))
#define LEAST(least, greatest) (least)
#define GREATEST(least, greatest) (greatest)
#define EVERY(M) \
    EVERY_TYPE(SUM, M) \
    EVERY_TYPE(PROD, M) \
    EXTREMES(M, max, LARGER, LEAST) \
    EXTREMES(M, min, SMALLER, GREATEST)

EVERY(SCANNER)

enum { SCAN_sum, SCAN_prod, SCAN_max, SCAN_min };
#define ENTRY(name, F, M, T, A, COMBINE, IDENTITY) \
    {D_##F, D_##T, SCAN_##name, name##_##F##_chains, name##_##F##_totals, name##_##F##_join, \
     name##_##F##_step, name##_##F##_begin},
static const Scanner scanners[] = {EVERY(ENTRY)};

static const int64_t sizes[DTYPES] = {
    [D_b8] = 1, [D_i8] = 1, [D_i16] = 2, [D_i32] = 4, [D_i64] = 8, [D_u8] = 1,
    [D_u16] = 2, [D_u32] = 4, [D_u64] = 8, [D_f32] = 4, [D_f64] = 8,
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

static const char *line(const Scan *s, int64_t number) {
    return s->x + number * s->length * s->size;
}

static char *out_line(const Scan *s, int64_t number) {
    int64_t first = s->out_length - s->length;
    return s->out + (number * s->out_length + first) * s->out_size;
}

/* ---- lines that lie one element after the other */

static void scan_lines(void *context, int64_t from, int64_t to) {
    const Scan *s = context;
    double nothing[CHAINS]; /* of any dtype */
    s->scanner->begin(nothing, CHAINS);
    for (int64_t i = from; i < to; i += CHAINS)
        s->scanner->chains(line(s, i), s->length, s->length, least(CHAINS, to - i),
                           out_line(s, i), s->out_length, nothing);
}

/* What is done with `count` pieces of `length` elements each, from `x` on. */
typedef void Visit(const Scan *s, const char *x, int64_t length, int64_t count, char *out,
                   char *carry);

/* Groups [from, to): CHAINS pieces of a line each. Those of the last are shorter, so that there are
 * as many, and leave a piece of a few elements over. */
static void visit_groups(const Scan *s, int64_t from, int64_t to, Visit *visit) {
    for (int64_t i = from; i < to; i++) {
        int64_t number = i / s->groups, group = i % s->groups, start = group * CHAINS * PIECE;
        int64_t rest = s->length - start, piece = least(PIECE, rest / CHAINS);
        if (piece < PIECE && piece % 2 == 0 && piece) piece--;
        const char *x = line(s, number) + start * s->size;
        char *out = out_line(s, number) + start * s->out_size;
        char *carry = s->carry + (number * s->pieces + group * CHAINS) * s->out_size;
        visit(s, x, piece, CHAINS, out, carry);
        if (group + 1 == s->groups)
            visit(s, x + CHAINS * piece * s->size, rest - CHAINS * piece, 1,
                  out + CHAINS * piece * s->out_size, carry + CHAINS * s->out_size);
    }
}

static void total_group(const Scan *s, const char *x, int64_t length, int64_t count, char *out,
                        char *carry) {
    (void)out;
    s->scanner->totals(x, length, count, carry);
}

static void scan_group(const Scan *s, const char *x, int64_t length, int64_t count, char *out,
                       char *carry) {
    s->scanner->chains(x, length, length, count, out, length, carry);
}

static void total_pieces(void *context, int64_t from, int64_t to) {
    visit_groups(context, from, to, total_group);
}

static void scan_pieces(void *context, int64_t from, int64_t to) {
    visit_groups(context, from, to, scan_group);
}

/* Totals become carries: what goes before each piece. */
static void scan_totals(const Scan *s) {
    double carry, total;
    for (int64_t i = 0; i < s->outer * s->pieces; i++) {
        char *at = s->carry + i * s->out_size;
        if (i % s->pieces == 0) s->scanner->begin(&carry, 1);
        memcpy(&total, at, (size_t)s->out_size);
        memcpy(at, &carry, (size_t)s->out_size);
        s->scanner->join(&carry, &total);
    }
}

/* In pieces even if all of it is for a single thread: the bits are the same. */
static int scan_along(Scan *s) {
    bool alone = s->outer * s->length < WORTH_THREADS;
    bool wide = s->scanner->target == D_f32 || s->scanner->target == D_f64;
    /* a product of floats may leave their range in one order and not in another: NumPy's holds */
    if (s->length <= PIECE || (wide && s->scanner->kind == SCAN_prod)) {
        int64_t grain = (UNIT / s->length / CHAINS + 1) * CHAINS;
        split(s->outer, alone ? s->outer : grain, scan_lines, s);
        return 0;
    }
    s->groups = (s->length - 1) / (CHAINS * PIECE) + 1;
    s->pieces = s->groups * CHAINS + 1;
    int64_t groups = s->outer * s->groups;
    s->carry = scratch_take((size_t)(s->outer * s->pieces * s->out_size));
    if (!s->carry) return ERROR_MEMORY;
    split(groups, alone ? groups : UNIT / PIECE / CHAINS, total_pieces, s);
    scan_totals(s);
    split(groups, alone ? groups : UNIT / PIECE / CHAINS, scan_pieces, s);
    scratch_give(s->carry);
    return 0;
}

/* ---- lines side by side */

static void scan_panels(void *context, int64_t from, int64_t to) {
    const Scan *s = context;
    int64_t row = s->inner * s->size, out_row = s->inner * s->out_size;
    for (int64_t i = from; i < to; i++) {
        int64_t number = i / s->panels, first = i % s->panels * s->breadth;
        int64_t breadth = least(s->breadth, s->inner - first);
        const char *x = s->x + number * s->length * row + first * s->size, *before = NULL;
        char *out = s->out + number * s->out_length * out_row + first * s->out_size;
        if (s->out_length > s->length) out += out_row;
        for (int64_t j = 0; j < s->length; j++) {
            s->scanner->step(x, before, out, breadth);
            before = out;
            x += row;
            out += out_row;
        }
    }
}

static void scan_across(Scan *s) {
    int64_t breadth = (s->inner / CHAINS + LEAST_BREADTH - 1) / LEAST_BREADTH * LEAST_BREADTH;
    bool alone = s->outer * s->length * s->inner < WORTH_THREADS;
    s->breadth = least(breadth < LEAST_BREADTH ? LEAST_BREADTH : breadth, MOST_BREADTH);
    s->panels = (s->inner - 1) / s->breadth + 1;
    int64_t units = s->outer * s->panels;
    split(units, alone ? units : UNIT / (s->length * s->breadth) + 1, scan_panels, s);
}

static void put_initial(const Scan *s) {
    double one = 0;
    s->scanner->begin(&one, 1);
    int64_t zero = 0;
    const void *value = s->scanner->kind == SCAN_sum ? (const void *)&zero : &one;
    for (int64_t i = 0; i < s->outer; i++)
        for (int64_t j = 0; j < s->inner; j++)
            memcpy(s->out + (i * s->out_length * s->inner + j) * s->out_size, value,
                   (size_t)s->out_size);
}

int trueno_scan(int kind, int source, int target, int64_t x, int64_t out, int64_t outer,
                int64_t length, int64_t inner, int initial) {
    Scan s = {.x = (const char *)x, .out = (char *)out, .outer = outer, .length = length,
              .inner = inner, .out_length = length + (initial != 0)};
    for (size_t i = 0; i < sizeof scanners / sizeof *scanners; i++) {
        const Scanner *found = scanners + i;
        if (found->kind == kind && found->source == source && found->target == target)
            s.scanner = found;
    }
    if (!s.scanner) return ERROR_TYPE;
    if (!x) return 0; /* only asked whether there is one */
    s.size = sizes[source];
    s.out_size = sizes[target];
    if (initial) put_initial(&s);
    if (inner > 1) {
        scan_across(&s);
        return 0;
    }
    return scan_along(&s);
}
