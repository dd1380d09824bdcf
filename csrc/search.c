/* Binary search: where values belong in a sorted array, and what lies between its elements. */
#include "split.h"
#include "trueno.h"

/* NaN sorts last, as NumPy has it. */
#define FLOAT_BEFORE(x, y) ((x) < (y) || ((y) != (y) && (x) == (x)))
#define BEFORE(x, y) ((x) < (y))

typedef struct {
    const void *sorted, *values;
    int64_t length, *at;
    int right;
} Search;

enum { GRAIN = 4096, TILE_VALUES = 256 };

/* The step halves without a branch on the comparison, so that it costs a conditional move; as the
 * values of a part are independent, the processor works on several at once. Of values that ascend
 * the first and the last one's places bound the others'. */
#define SEARCH(S, T, BEFORE)                                                        \
    static int64_t find_##S(const T *sorted, int64_t n, T value, int right) {       \
        const T *low = sorted;                                                      \
        while (n > 0) {                                                             \
            int64_t half = (n + 1) / 2;                                             \
            T middle = low[half - 1];                                               \
            bool after = right ? !BEFORE(value, middle) : BEFORE(middle, value);    \
            low = after ? low + half : low;                                         \
            n -= half;                                                              \
        }                                                                           \
        return low - sorted;                                                        \
    }                                                                               \
    static void find_tile_##S(const Search *s, const T *values, int64_t n, int64_t *at) { \
        const T *sorted = s->sorted;                                                \
        int64_t low = 0, high = s->length;                                          \
        int falls = 0;                                                              \
        for (int64_t i = 1; i < n; i++) falls |= BEFORE(values[i], values[i - 1]);  \
        if (!falls) {                                                               \
            low = find_##S(sorted, high, values[0], s->right);                      \
            high = find_##S(sorted + low, high - low, values[n - 1], s->right) + low; \
        }                                                                           \
        for (int64_t i = 0; i < n; i++)                                             \
            at[i] = low + find_##S(sorted + low, high - low, values[i], s->right);  \
    }                                                                               \
    static void search_##S(void *context, int64_t from, int64_t to) {               \
        const Search *s = context;                                                  \
        const T *values = s->values;                                                \
        for (; from < to; from += TILE_VALUES) {                                    \
            int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES;          \
            find_tile_##S(s, values + from, n, s->at + from);                       \
        }                                                                           \
    }

#define SEARCHES(M)                                                                 \
    M(b8, uint8_t, BEFORE) M(i8, int8_t, BEFORE) M(i16, int16_t, BEFORE)            \
    M(i32, int32_t, BEFORE) M(i64, int64_t, BEFORE) M(u8, uint8_t, BEFORE)          \
    M(u16, uint16_t, BEFORE) M(u32, uint32_t, BEFORE) M(u64, uint64_t, BEFORE)      \
    M(f32, float, FLOAT_BEFORE) M(f64, double, FLOAT_BEFORE)

SEARCHES(SEARCH)

typedef void Part(void *context, int64_t from, int64_t to);

#define ENTRY(S, T, BEFORE) [D_##S] = search_##S,
static Part *const searches[DTYPES] = {SEARCHES(ENTRY)};

int trueno_searchsorted(int dtype, int64_t sorted, int64_t length, int64_t values, int64_t count,
                        int right, int64_t at) {
    if (dtype < 0 || dtype >= DTYPES || !searches[dtype]) return ERROR_TYPE;
    Search s = {(const void *)sorted, (const void *)values, length, (int64_t *)at, right};
    split(count, GRAIN, searches[dtype], &s);
    return 0;
}

/* ---- interpolation */

typedef struct {
    Search search; /* from the right: the element before a value's place is not above it */
    const double *y, *slopes;
    double left, right, *out;
} Interpolation;

/* As numpy.interp has it, with its ways round infinite results. */
static double between(const Interpolation *g, double x, int64_t j) {
    const double *xs = g->search.sorted, *ys = g->y;
    double slope = g->slopes ? g->slopes[j] : (ys[j + 1] - ys[j]) / (xs[j + 1] - xs[j]);
    double y = slope * (x - xs[j]) + ys[j];
    if (y != y) {
        y = slope * (x - xs[j + 1]) + ys[j + 1];
        if (y != y && ys[j] == ys[j + 1]) y = ys[j];
    }
    return y;
}

static void interpolate_part(void *context, int64_t from, int64_t to) {
    const Interpolation *g = context;
    const double *xs = g->search.sorted, *values = g->search.values;
    int64_t last = g->search.length - 1, at[TILE_VALUES];
    for (; from < to; from += TILE_VALUES) {
        int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES;
        find_tile_f64(&g->search, values + from, n, at);
        for (int64_t i = 0; i < n; i++) {
            double x = values[from + i];
            int64_t j = at[i] - 1;
            g->out[from + i] = x != x             ? x
                               : j < 0            ? g->left
                               : xs[j] == x       ? g->y[j]
                               : j == last        ? g->right
                                                  : between(g, x, j);
        }
    }
}

int trueno_interpolate(int64_t x, int64_t n, int64_t xs, int64_t ys, int64_t slopes,
                       int64_t length, double left, double right, int64_t out) {
    Interpolation g = {{(const void *)xs, (const void *)x, length, 0, 1}, (const double *)ys,
                       (const double *)slopes, left, right, (double *)out};
    split(n, GRAIN, interpolate_part, &g);
    return 0;
}
