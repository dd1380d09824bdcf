/* How often values fall into bins; and roughly where elements have their place in the order. */
#include <stdatomic.h>
#include <string.h>

#include "memory.h"
#include "split.h"
#include "trueno.h"

/* Elements of a part, no fewer than PER_BIN for each bin, whose counts join the others' at its
 * end; bins up to which neighbours go to two tables, lest equal ones wait in line; elements of a
 * tile. */
enum { GRAIN = 1 << 16, PER_BIN = 8, PAIRED = 4096, TILE_VALUES = 512 };

#define INTEGERS(M) \
    M(b8, uint8_t) M(i8, int8_t) M(i16, int16_t) M(i32, int32_t) M(i64, int64_t) M(u8, uint8_t) \
    M(u16, uint16_t) M(u32, uint32_t) M(u64, uint64_t)

typedef struct Counting {
    const void *x;
    int64_t n, bins;
    _Atomic int64_t *counts;
    void (*tally)(const struct Counting *, int64_t from, int64_t to, int64_t *table[2]);
    const void *edges;       /* of a histogram, bins + 1 of them */
    double first, denominator;
    int dtype;               /* of ranks */
    const uint8_t *wanted;
    uint8_t *mask;
    atomic_int failed;
} Counting;

static void count_part(void *context, int64_t from, int64_t to) {
    Counting *g = context;
    int64_t tables = g->bins <= PAIRED ? 2 : 1, slots = g->bins + 1; /* the first: of no bin */
    size_t bytes = (size_t)(tables * slots * 8);
    int64_t *room = scratch_take(bytes);
    if (!room) {
        atomic_store(&g->failed, 1);
        return;
    }
    memset(room, 0, bytes);
    int64_t *table[2] = {room + 1, room + (tables - 1) * slots + 1};
    g->tally(g, from, to, table);
    for (int64_t i = 0; i < g->bins; i++) {
        int64_t found = table[0][i] + (tables > 1 ? table[1][i] : 0);
        if (found) atomic_fetch_add_explicit(&g->counts[i], found, memory_order_relaxed);
    }
    scratch_give(room);
}

static int count(Counting *g) {
    memset((void *)g->counts, 0, (size_t)g->bins * 8);
    split(g->n, g->bins * PER_BIN > GRAIN ? g->bins * PER_BIN : GRAIN, count_part, g);
    return g->failed ? ERROR_MEMORY : 0;
}

/* ---- bins of integers: themselves */

#define TALLY(S, T) \
    static void tally_##S(const Counting *g, int64_t from, int64_t to, int64_t *table[2]) { \
        const T *x = g->x; \
        for (; from + 1 < to; from += 2) { \
            table[0][x[from]]++; \
            table[1][x[from + 1]]++; \
        } \
        if (from < to) table[0][x[from]]++; \
    }
INTEGERS(TALLY)

#define TALLY_ENTRY(S, T) [D_##S] = tally_##S,
static void (*const tallies[DTYPES])(const Counting *, int64_t, int64_t, int64_t *[2]) = {
    INTEGERS(TALLY_ENTRY)
};

int trueno_bincount(int dtype, int64_t x, int64_t n, int64_t bins, int64_t counts) {
    if (dtype < 0 || dtype >= DTYPES || !tallies[dtype]) return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .bins = bins, .counts = (_Atomic int64_t *)counts,
                  .tally = tallies[dtype]};
    return count(&g);
}

/* ---- bins of one width */

/* As numpy.histogram finds them: by division, then corrected by the edges. In tiles, so that the
 * division is vectorised; the index of what is in no bin is -1. */
#define HISTOGRAM(S, T, F) \
    static void histogram_##S(const Counting *g, int64_t from, int64_t to, int64_t *table[2]) { \
        const T *all = g->x; \
        const F *edges = g->edges; \
        F first = (F)g->first, last = edges[g->bins], denominator = (F)g->denominator; \
        F bins = (F)g->bins; \
        int32_t index[TILE_VALUES], most = (int32_t)g->bins - 1; \
        for (; from < to; from += TILE_VALUES) { \
            int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES; \
            const T *x = all + from; \
            for (int64_t i = 0; i < n; i++) { \
                F at = ((F)x[i] - first) / denominator * bins; \
                at = (F)x[i] >= first && (F)x[i] <= last ? at : (F)-1; \
                index[i] = (int32_t)at; \
            } \
            for (int64_t i = 0; i < n; i++) { /* without a branch that depends on the data */ \
                int32_t k = index[i], none = k < 0; \
                k = none ? 0 : k > most ? most : k; \
                k -= (F)x[i] < edges[k]; \
                k += ((F)x[i] >= edges[k + 1]) & (k != most); \
                index[i] = none ? -1 : k; \
            } \
            for (int64_t i = 0; i < n; i++) table[i & 1][index[i]]++; \
        } \
    }
#define SPREADS(M) \
    M(b8, uint8_t, double) M(i8, int8_t, double) M(i16, int16_t, double) M(i32, int32_t, double) \
    M(i64, int64_t, double) M(u8, uint8_t, double) M(u16, uint16_t, double) \
    M(u32, uint32_t, double) M(u64, uint64_t, double) M(f32, float, float) M(f64, double, double)
SPREADS(HISTOGRAM)

#define HISTOGRAM_ENTRY(S, T, F) [D_##S] = histogram_##S,
static void (*const histograms[DTYPES])(const Counting *, int64_t, int64_t, int64_t *[2]) = {
    SPREADS(HISTOGRAM_ENTRY)
};

int trueno_histogram(int dtype, int64_t x, int64_t n, int64_t edges, int64_t bins, double first,
                     double denominator, int64_t counts) {
    if (dtype < 0 || dtype >= DTYPES || !histograms[dtype] || bins > INT32_MAX) return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .bins = bins, .counts = (_Atomic int64_t *)counts,
                  .tally = histograms[dtype], .edges = (const void *)edges, .first = first,
                  .denominator = denominator};
    return count(&g);
}

/* ---- ranks: the leading bits of the keys by which sort.c orders elements */

static void find_ranks(const Counting *g, int64_t i, int64_t n, const Keys *keys,
                       uint16_t *ranks) {
    uint8_t digits[TILE_VALUES];
    const char *x = (const char *)g->x + i * keys->size;
    int top = 8 * (keys->size - 1);
    keys->digits(x, n, top, 0, digits);
    for (int64_t j = 0; j < n; j++) ranks[j] = (uint16_t)(digits[j] << 8);
    if (!top) return;
    keys->digits(x, n, top - 8, 0, digits);
    for (int64_t j = 0; j < n; j++) ranks[j] |= digits[j];
}

static void tally_ranks(const Counting *g, int64_t from, int64_t to, int64_t *table[2]) {
    const Keys *keys = &trueno_kernels->moves->keys[g->dtype];
    uint16_t ranks[TILE_VALUES];
    for (; from < to; from += TILE_VALUES) {
        int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES;
        find_ranks(g, from, n, keys, ranks);
        for (int64_t i = 0; i < n; i++) table[i & 1][ranks[i]]++;
    }
}

int trueno_rank_counts(int dtype, int64_t x, int64_t n, int64_t counts) {
    if (dtype < 0 || dtype >= DTYPES || !trueno_kernels->moves->keys[dtype].digits)
        return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .bins = TRUENO_RANKS,
                  .counts = (_Atomic int64_t *)counts, .tally = tally_ranks, .dtype = dtype};
    return count(&g);
}

static void mark_part(void *context, int64_t from, int64_t to) {
    const Counting *g = context;
    const Keys *keys = &trueno_kernels->moves->keys[g->dtype];
    uint16_t ranks[TILE_VALUES];
    for (; from < to; from += TILE_VALUES) {
        int64_t n = to - from < TILE_VALUES ? to - from : TILE_VALUES;
        find_ranks(g, from, n, keys, ranks);
        for (int64_t i = 0; i < n; i++) g->mask[from + i] = g->wanted[ranks[i]];
    }
}

int trueno_rank_mask(int dtype, int64_t x, int64_t n, int64_t wanted, int64_t mask) {
    if (dtype < 0 || dtype >= DTYPES || !trueno_kernels->moves->keys[dtype].digits)
        return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .dtype = dtype,
                  .wanted = (const uint8_t *)wanted, .mask = (uint8_t *)mask};
    split(n, GRAIN, mark_part, &g);
    return 0;
}
