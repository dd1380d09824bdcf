/* How often values fall into bins; and roughly where elements have their place in the order. */
#include <stdatomic.h>
#include <string.h>

#include "memory.h"
#include "split.h"
#include "threads.h"
#include "trueno.h"

/* Elements of a part, no fewer than PER_BIN for each bin, whose counts join the others' at its end;
 * bins up to which neighbours go to two tables, lest equal ones wait in line; and from which the
 * threads share the bins and not the elements. */
enum { GRAIN = 1 << 16, PER_BIN = 8, PAIRED = 4096, WIDE = 1 << 16, STEP = 512 };

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
    int64_t tables = g->bins <= PAIRED ? 2 : 1, bytes = g->bins * 8;
    int64_t *room = scratch_take((size_t)(tables * bytes));
    if (!room) {
        atomic_store(&g->failed, 1);
        return;
    }
    memset(room, 0, (size_t)(tables * bytes));
    int64_t *table[2] = {room, room + (tables - 1) * g->bins};
    g->tally(g, from, to, table);
    for (int64_t i = 0; i < tables * g->bins; i++)
        if (room[i])
            atomic_fetch_add_explicit(&g->counts[i % g->bins], room[i], memory_order_relaxed);
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
    } \
    /* Of all elements those in [low, high); others go to spare counters. */ \
    static void share_##S(const Counting *g, int64_t low, int64_t high) { \
        const T *x = g->x; \
        int64_t spare[64] = {0}, *counts = (int64_t *)g->counts; \
        for (int64_t i = 0; i < g->n; i++) { \
            int64_t at = (int64_t)x[i]; \
            ++*(at >= low && at < high ? counts + at : spare + (i & 63)); \
        } \
    }
INTEGERS(TALLY)

#define TALLY_ENTRY(S, T) [D_##S] = tally_##S,
#define SHARE_ENTRY(S, T) [D_##S] = share_##S,
static void (*const tallies[DTYPES])(const Counting *, int64_t, int64_t, int64_t *[2]) = {
    INTEGERS(TALLY_ENTRY)
};
static void (*const shares[DTYPES])(const Counting *, int64_t, int64_t) = {INTEGERS(SHARE_ENTRY)};

typedef struct {
    const Counting *g;
    int dtype;
    int64_t ranges;
} Ranges;

static void share_range(void *context, int64_t from, int64_t to) {
    const Ranges *r = context;
    int64_t bins = r->g->bins;
    for (int64_t i = from; i < to; i++)
        shares[r->dtype](r->g, bins * i / r->ranges, bins * (i + 1) / r->ranges);
}

int trueno_bincount(int dtype, int64_t x, int64_t n, int64_t bins, int64_t counts) {
    if (dtype < 0 || dtype >= DTYPES || !tallies[dtype]) return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .bins = bins, .counts = (_Atomic int64_t *)counts,
                  .tally = tallies[dtype]};
    if (bins < WIDE) return count(&g);
    memset((void *)g.counts, 0, (size_t)bins * 8);
    Ranges ranges = {&g, dtype, threads_count()};
    split(ranges.ranges, 1, share_range, &ranges);
    return 0;
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
        int32_t index[STEP], most = (int32_t)g->bins - 1; \
        for (; from < to; from += STEP) { \
            int64_t n = to - from < STEP ? to - from : STEP; \
            const T *x = all + from; \
            for (int64_t i = 0; i < n; i++) { \
                F at = ((F)x[i] - first) / denominator * bins; \
                at = (F)x[i] >= first && (F)x[i] <= last ? at : (F)-1; \
                index[i] = (int32_t)at; \
            } \
            for (int64_t i = 0; i < n; i++) { \
                int32_t k = index[i]; \
                if (k < 0) continue; \
                k -= k > most; \
                k -= (F)x[i] < edges[k]; \
                k += (F)x[i] >= edges[k + 1] && k != most; \
                table[i & 1][k]++; \
            } \
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
    if (dtype < 0 || dtype >= DTYPES || !histograms[dtype] || bins >= WIDE) return ERROR_TYPE;
    Counting g = {.x = (const void *)x, .n = n, .bins = bins, .counts = (_Atomic int64_t *)counts,
                  .tally = histograms[dtype], .edges = (const void *)edges, .first = first,
                  .denominator = denominator};
    return count(&g);
}

/* ---- ranks: the leading bits of the keys by which sort.c orders elements */

static void find_ranks(const Counting *g, int64_t i, int64_t n, const Keys *keys,
                       uint16_t *ranks) {
    uint8_t digits[STEP];
    const char *x = (const char *)g->x + i * keys->size;
    int top = 8 * (keys->size - 1);
    keys->digits(x, n, top, 0, digits);
    for (int64_t j = 0; j < n; j++) ranks[j] = (uint16_t)(digits[j] << 4);
    if (keys->size == 1) return;
    keys->digits(x, n, top - 4, 0, digits);
    for (int64_t j = 0; j < n; j++) ranks[j] |= digits[j] & 15;
}

static void tally_ranks(const Counting *g, int64_t from, int64_t to, int64_t *table[2]) {
    const Keys *keys = &trueno_kernels->moves->keys[g->dtype];
    uint16_t ranks[STEP];
    for (; from < to; from += STEP) {
        int64_t n = to - from < STEP ? to - from : STEP;
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
    uint16_t ranks[STEP];
    for (; from < to; from += STEP) {
        int64_t n = to - from < STEP ? to - from : STEP;
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
