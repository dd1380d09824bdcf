/* Reading and writing at places that index arrays name. */
#include <stdatomic.h>
#include <string.h>

#include "split.h"
#include "threads.h"
#include "trueno.h"

/* Tiles of places: while one is read or written, the memory that the next one names is on its way.
 * Memory of fewer than CACHED bytes needs no calling. */
enum { PLACES = 128, GRAIN = 1 << 14, CACHED = 1 << 19 };

typedef struct {
    const Moves *moves;
    Places places;
    int64_t count;      /* places a group */
    int64_t index_step; /* from one group's indices to the next: 0 or `count` */
    int64_t group_step; /* from one group's memory to the next, in bytes */
    int64_t size;       /* bytes at a place */
    char *memory;
    bool far;           /* the memory is to be called for in advance */
    char *dense;
    int64_t dense_step; /* 0: one element for all places */
    atomic_int bad;
} Gather;

/* The next tile of places from `i` on, within a group: their number. */
static int64_t next_tile(Gather *g, int64_t i, int64_t end, int64_t *offsets) {
    int64_t group = i / g->count, at = i % g->count;
    int64_t n = end - i < PLACES ? end - i : PLACES;
    if (n > g->count - at) n = g->count - at;
    if (n <= 0) return 0;
    if (g->moves->resolve(&g->places, group * g->index_step + at, n, offsets))
        atomic_store(&g->bad, 1);
    const char *memory = g->memory + group * g->group_step;
    if (g->far)
        for (int64_t j = 0; j < n; j++) __builtin_prefetch(memory + offsets[j]);
    return n;
}

static void gather_part(void *context, int64_t from, int64_t to) {
    Gather *g = context;
    int64_t tiles[2][PLACES], i = from, n = next_tile(g, i, to, tiles[0]);
    int width = SIZE_INDEX(g->size);
    for (int now = 0; n; now ^= 1) {
        int64_t next = next_tile(g, i + n, to, tiles[now ^ 1]);
        const char *memory = g->memory + i / g->count * g->group_step;
        if (width >= 0) g->moves->gather[width](memory, tiles[now], n, g->dense + i * g->size);
        else
            for (int64_t j = 0; j < n; j++)
                memcpy(g->dense + (i + j) * g->size, memory + tiles[now][j], (size_t)g->size);
        i += n;
        n = next;
    }
}

static void check_part(void *context, int64_t from, int64_t to) {
    Gather *g = context;
    int64_t offsets[PLACES];
    int bad = 0;
    for (int64_t i = from; i < to; i += PLACES)
        bad |= g->moves->resolve(&g->places, i, to - i < PLACES ? to - i : PLACES, offsets);
    if (bad) atomic_store(&g->bad, 1);
}

/* The offsets of n places from `i` on, their memory called for. */
static void find_far(const Gather *g, int64_t i, int64_t n, int64_t *offsets) {
    g->moves->resolve(&g->places, i, n, offsets);
    if (g->far)
        for (int64_t j = 0; j < n; j++) __builtin_prefetch(g->memory + offsets[j], 1);
}

/* A tile of the places that one thread writes to: where, and with which value. */
typedef struct {
    int64_t n, offsets[PLACES], from[PLACES];
} Mine;

/* Those of n places from `i` on whose offsets are in [low, high). No branch depends on them. */
static void pick_mine(const Gather *g, int64_t i, int64_t n, int64_t low, int64_t high,
                      Mine *mine) {
    int64_t offsets[PLACES], k = 0;
    g->moves->resolve(&g->places, i, n, offsets);
    for (int64_t j = 0; j < n; j++) {
        mine->offsets[k] = offsets[j];
        mine->from[k] = (i + j) * g->dense_step;
        k += (uint64_t)(offsets[j] - low) < (uint64_t)(high - low);
    }
    mine->n = k;
    if (g->far)
        for (int64_t j = 0; j < k; j++) __builtin_prefetch(g->memory + mine->offsets[j], 1);
}

#define PUT(B, T) \
    static void put_##B(const Gather *g, const Mine *mine) { \
        for (int64_t j = 0; j < mine->n; j++) \
            *(T *)(g->memory + mine->offsets[j]) = *(const T *)(g->dense + mine->from[j]); \
    }
typedef struct { uint64_t word[2]; } Wide;
PUT(1, uint8_t)
PUT(2, uint16_t)
PUT(4, uint32_t)
PUT(8, uint64_t)
PUT(16, Wide)

static void put_rows(const Gather *g, const Mine *mine) {
    for (int64_t j = 0; j < mine->n; j++)
        memcpy(g->memory + mine->offsets[j], g->dense + mine->from[j], (size_t)g->size);
}

typedef void Put(const Gather *g, const Mine *mine);
static Put *const puts_by_size[SIZES] = {put_1, put_2, put_4, put_8, put_16};

/* Writes to [low, high), in order of the places, so that of equal ones the last one wins. */
static void put_range(const Gather *g, int64_t low, int64_t high) {
    Mine tiles[2];
    int width = SIZE_INDEX(g->size);
    Put *put = width < 0 ? put_rows : puts_by_size[width];
    int64_t n = g->count < PLACES ? g->count : PLACES;
    pick_mine(g, 0, n, low, high, &tiles[0]);
    for (int64_t i = n, now = 0;; i += n, now ^= 1) {
        n = g->count - i < PLACES ? g->count - i : PLACES;
        if (n > 0) pick_mine(g, i, n, low, high, &tiles[now ^ 1]);
        put(g, &tiles[now]);
        if (n <= 0) return;
    }
}

static Places places_of(int64_t address) {
    const int64_t *block = (const int64_t *)address;
    Places places = {.axes = (int)block[0], .mode = (int)block[1]};
    for (int i = 0; i < places.axes; i++) {
        places.index[i] = (const int64_t *)block[2 + 3 * i];
        places.length[i] = block[3 + 3 * i];
        places.stride[i] = block[4 + 3 * i];
    }
    return places;
}

int trueno_take(int64_t places, int64_t groups, int64_t count, int64_t index_step,
                int64_t group_step, int64_t size, int64_t bytes, int64_t from, int64_t to) {
    Gather g = {.moves = trueno_kernels->moves, .places = places_of(places), .count = count,
                .index_step = index_step, .group_step = group_step, .size = size,
                .memory = (char *)from, .far = bytes > CACHED, .dense = (char *)to};
    int64_t grain = size > 16 ? GRAIN * 16 / size + 1 : GRAIN;
    split(groups * count, grain, gather_part, &g);
    return g.bad ? ERROR_INDEX : 0;
}

typedef struct {
    const Gather *g;
    int64_t ranges, bytes;
} Ranges;

/* Each range of the target is one thread's, who looks at all places. */
static void put_ranges(void *context, int64_t from, int64_t to) {
    const Ranges *r = context;
    int64_t step = r->bytes / r->ranges;
    for (int64_t i = from; i < to; i++)
        put_range(r->g, step * i, i + 1 == r->ranges ? r->bytes : step * (i + 1));
}

/* One value for all places: whose thread comes last does not matter, so that the places are shared
 * among the threads, and not the memory. */
static void fill_part(void *context, int64_t from, int64_t to) {
    const Gather *g = context;
    int64_t offsets[2][PLACES];
    uint64_t bits = 0;
    memcpy(&bits, g->dense, (size_t)g->size);
    int64_t n = to - from < PLACES ? to - from : PLACES;
    find_far(g, from, n, offsets[0]);
    for (int now = 0; n > 0; now ^= 1) {
        int64_t next = to - from - n < PLACES ? to - from - n : PLACES;
        if (next > 0) find_far(g, from + n, next, offsets[now ^ 1]);
        for (int64_t j = 0; j < n; j++) {
            char *at = g->memory + offsets[now][j];
            switch (g->size) {
            case 1: __atomic_store_n((uint8_t *)at, (uint8_t)bits, __ATOMIC_RELAXED); break;
            case 2: __atomic_store_n((uint16_t *)at, (uint16_t)bits, __ATOMIC_RELAXED); break;
            case 4: __atomic_store_n((uint32_t *)at, (uint32_t)bits, __ATOMIC_RELAXED); break;
            default: __atomic_store_n((uint64_t *)at, bits, __ATOMIC_RELAXED);
            }
        }
        from += n;
        n = next;
    }
}

int trueno_put(int64_t places, int64_t count, int64_t size, int64_t bytes, int64_t from,
               int64_t from_step, int64_t to) {
    Gather g = {.moves = trueno_kernels->moves, .places = places_of(places), .count = count,
                .size = size, .memory = (char *)to, .far = bytes > CACHED, .dense = (char *)from,
                .dense_step = from_step};
    split(count, GRAIN, check_part, &g);
    if (g.bad) return ERROR_INDEX;
    if (!from_step && SIZE_INDEX(size) >= 0 && size <= 8) {
        split(count, GRAIN, fill_part, &g);
        return 0;
    }
    Ranges ranges = {&g, count > GRAIN ? threads_count() : 1, bytes};
    split(ranges.ranges, 1, put_ranges, &ranges);
    return 0;
}
