/* Binary search: where values belong in a sorted array, and what lies between its elements. */
#include "split.h"
#include "trueno.h"

typedef struct {
    const void *sorted, *values;
    int64_t length, *at;
    int right;
} Search;

enum { GRAIN = 4096, TILE_VALUES = 256, ABREAST = 8 };

/* The step halves without a branch on the comparison, and for several values at a time, so that the
 * processor waits for the memory of all of them at once. NaN sorts last, and is found apart.
 * Of a tile of values that ascend the first and the last one's places bound the others'. */
#define STEP(k, COMPARES) low[k] += half & -(int64_t)(low[k][half - 1] COMPARES value[k])
#define SEARCH(S, T, IS_NAN) \
    static void find_##S(const T *sorted, int64_t length, const T *values, int64_t count, \
                         int right, int64_t *at) { \
        for (int64_t i = 0; i < count; i += ABREAST) { \
            int64_t some = count - i < ABREAST ? count - i : ABREAST; \
            const T *low[ABREAST]; \
            T value[ABREAST]; \
            for (int k = 0; k < ABREAST; k++) { \
                low[k] = sorted; \
                value[k] = values[i + (k < some ? k : 0)]; \
            } \
            for (int64_t n = length, half; n > 0; n -= half) { \
                half = (n + 1) / 2; \
                if (right) \
                    for (int k = 0; k < ABREAST; k++) STEP(k, <=); \
                else \
                    for (int k = 0; k < ABREAST; k++) STEP(k, <); \
            } \
            for (int64_t k = 0; k < some; k++) at[i + k] = low[k] - sorted; \
        } \
    } \
    /* Where a NaN belongs. */ \
    static int64_t last_##S(const Search *s) { \
        const T *sorted = s->sorted; \
        int64_t low = 0, n = s->right ? 0 : s->length; \
        while (n > 0) { \
            int64_t half = (n + 1) / 2; \
            T x = sorted[low + half - 1]; \
            low = IS_NAN(x) ? low : low + half; \
            n -= half; \
        } \
        return s->right ? s->length : low; \
    } \
    static void find_tile_##S(const Search *s, const T *values, int64_t n, int64_t *at) { \
        const T *sorted = s->sorted; \
        int64_t low = 0, high = s->length; \
        int falls = 0, unknown = 0; \
        for (int64_t i = 1; i < n; i++) falls |= !(values[i - 1] <= values[i]); \
        for (int64_t i = 0; i < n; i++) unknown |= IS_NAN(values[i]); \
        if (!falls && !unknown) { \
            find_##S(sorted, high, values, 1, s->right, &low); \
            find_##S(sorted, high, values + n - 1, 1, s->right, &high); \
        } \
        find_##S(sorted + low, high - low, values, n, s->right, at); \
        for (int64_t i = 0; i < n; i++) at[i] += low; \
        if (!unknown) return; \
        int64_t last = last_##S(s); \
        for (int64_t i = 0; i < n; i++) at[i] = IS_NAN(values[i]) ? last : at[i]; \
    } \
    static void search_##S(void *context, int64_t from, int64_t to) { \
        const Search *s = context; \
        const T *values = s->values; \
        for (; from < to; from += TILE_VALUES) { \
            int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES; \
            find_tile_##S(s, values + from, n, s->at + from); \
        } \
    }

#define NEVER(x) ((void)(x), 0)
#define NOT_ITSELF(x) ((x) != (x))
#define SEARCHES(M) \
    M(b8, uint8_t, NEVER) M(i8, int8_t, NEVER) M(i16, int16_t, NEVER) M(i32, int32_t, NEVER) \
    M(i64, int64_t, NEVER) M(u8, uint8_t, NEVER) M(u16, uint16_t, NEVER) \
    M(u32, uint32_t, NEVER) M(u64, uint64_t, NEVER) M(f32, float, NOT_ITSELF) \
    M(f64, double, NOT_ITSELF)

SEARCHES(SEARCH)

typedef void Part(void *context, int64_t from, int64_t to);

#define ENTRY(S, T, IS_NAN) [D_##S] = search_##S,
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
