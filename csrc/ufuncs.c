/* Loops that stand in place of those of NumPy's ufuncs (trueno/acceleration.py). NumPy calls one
 * with the operands' addresses, the number of elements, and steps in bytes. Long ones are cut into
 * parts for the pool's threads, which compute them by a kernel of ours, tile by tile, or by NumPy's
 * own loop; all others go to NumPy's loop as they came. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "split.h"
#include "threads.h"
#include "vm.h"

#if defined(__linux__)
#include <sys/mman.h>
#endif

enum { ENTRIES = 512, PARTS = 8, LEAST_PART = 2 * TILE };

/* To gather what lies apart takes as long as a cheap loop of NumPy's. It is done for kernels that
 * are several times faster than NumPy's: those that pay from so few elements on. */
enum { FAR_FASTER = 32 };

typedef void Former(char **args, const intptr_t *count, const intptr_t *steps, void *data);

typedef struct {
    const Ufunc *u;
    char **args;
    const intptr_t *steps;
    void *data;
    int64_t n;
    bool own, streams, buffered; /* a kernel of ours; past the cache; by way of a tile */
    char *partial;               /* of a reduction: a value a run */
    atomic_int mask;
} Call;

static Ufunc ufuncs[ENTRIES];

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- what may be cut */

static bool same_place(const Call *c, int a, int b) {
    return c->args[a] == c->args[b] && c->steps[a] == c->steps[b] &&
           c->u->size[a] == c->u->size[b];
}

static bool overlap(const Call *c, int a, int b) {
    int64_t reach_a = (c->n - 1) * c->steps[a], reach_b = (c->n - 1) * c->steps[b];
    const char *from_a = c->args[a] + least(reach_a, 0), *from_b = c->args[b] + least(reach_b, 0);
    return from_a < from_b + llabs(reach_b) + c->u->size[b] &&
           from_b < from_a + llabs(reach_a) + c->u->size[a];
}

/* Whether no result is an operand of a later element. */
static bool stays_ahead(const Call *c, int operand, int result) {
    int64_t step = c->steps[operand] - c->steps[result];
    int64_t distance = c->args[operand] - c->args[result];
    return c->steps[result] > 0 ? step >= 0 && distance >= 0 : step <= 0 && distance <= 0;
}

/* The order in which elements must be computed. NumPy passes operands on that lie ahead of the
 * result, and those of `accumulate`, which are results. */
typedef enum { ANY_ORDER, TILE_BY_TILE, ONE_BY_ONE } Order;

static Order order(const Call *c) {
    const Ufunc *u = c->u;
    Order order = ANY_ORDER;
    for (int k = u->inputs; k < u->operands; k++) {
        if (llabs(c->steps[k]) < u->size[k]) return ONE_BY_ONE;
        for (int i = 0; i < k; i++) {
            if (!overlap(c, i, k) || (i < u->inputs && same_place(c, i, k))) continue;
            if (i >= u->inputs || !stays_ahead(c, i, k)) return ONE_BY_ONE;
            order = TILE_BY_TILE;
        }
    }
    return order;
}

static bool over_operand(const Call *c) {
    for (int i = 0; i < c->u->inputs; i++)
        if (same_place(c, i, c->u->inputs)) return true;
    return false;
}

/* Whether memory has been written to. A page's first write clears it, in the cache: other ones are
 * then best made there too, but past the cache where there is something in memory only. */
static bool resident(const char *address) {
#if defined(__linux__)
    unsigned char state;
    char *page = (char *)((uintptr_t)address & ~(uintptr_t)4095);
    return mincore(page, 1, &state) || state & 1;
#else
    (void)address;
    return true;
#endif
}

/* ---- element by element */

static void run_tile(const Call *c, char **at, const intptr_t *steps, intptr_t n, int *mask) {
    const Ufunc *u = c->u;
    if (!c->own) {
        ((Former *)u->former)(at, &n, steps, c->data);
        return;
    }
    const char *y = at[u->inputs > 1], *z = at[u->inputs > 2 ? 2 : 0];
    ((Loop *)u->run)(at[0], y, z, at[u->inputs], n);
    if (u->check) *mask |= ((Check *)u->check)(at[0], y, at[u->inputs], n, u->derived, u->pole);
}

/* Operands of a kernel of ours are made dense. */
static void bring_in(const Call *c, char **at, char (*room)[BUFFER], int64_t n, bool begins) {
    for (int k = 0; c->own && k < c->u->inputs; k++) {
        int size = c->u->size[k];
        if (c->steps[k] == size) continue;
        if (c->steps[k])
            trueno_kernels->gather(room[k], at[k], size, 1, 0, n, c->steps[k]);
        else if (begins)
            trueno_kernels->fill(room[k], at[k], size, n);
        at[k] = room[k];
    }
}

static void compute(void *context, int64_t from, int64_t to) {
    Call *c = context;
    const Ufunc *u = c->u;
    _Alignas(64) char room[4][BUFFER];
    char *at[UFUNC_OPERANDS];
    intptr_t steps[UFUNC_OPERANDS];
    int mask = 0, result = u->inputs;
    bool streams = c->streams && resident(c->args[result] + (to - 1) * c->steps[result]);
    bool buffered = c->buffered || streams;
    int64_t tile = c->own || buffered ? TILE : to - from;
    memcpy(steps, c->steps, (size_t)u->operands * sizeof *steps);
    if (buffered) steps[result] = u->size[result];
    FpState state = fp_enter();
    for (int64_t i = from, n; i < to; i += n) {
        n = least(tile, to - i);
        for (int k = 0; k < u->operands; k++) at[k] = c->args[k] + i * c->steps[k];
        bring_in(c, at, room, n, i == from);
        char *out = at[result];
        if (buffered) at[result] = room[3];
        run_tile(c, at, steps, n, &mask);
        if (streams)
            trueno_kernels->stream(out, room[3], n * u->size[result]);
        else if (buffered)
            trueno_kernels->scatter(out, room[3], u->size[result], 1, 0, n, c->steps[result]);
    }
    if (!c->own) fp_join();
    mask |= fp_take() & (c->own ? u->trusted : ~0);
    fp_leave(state);
#if defined(__x86_64__) || defined(__i386__)
    if (streams) _mm_sfence();
#endif
    if (mask) atomic_fetch_or(&c->mask, mask);
}

static bool gathers(const Call *c) {
    for (int k = 0; k < c->u->operands; k++)
        if (c->steps[k] != c->u->size[k] && (c->steps[k] || k == c->u->inputs)) return true;
    return false;
}

static int64_t operand_bytes(const Ufunc *u) {
    int64_t bytes = 0;
    for (int k = 0; k < u->operands; k++) bytes += u->size[k];
    return bytes;
}

static bool elementwise(Call *c) {
    const Ufunc *u = c->u;
    int result = u->inputs;
    int64_t threads = least(threads_count(), 2 * c->n / u->shared);
    c->own = u->run && c->n >= u->own && (u->own <= FAR_FASTER || !gathers(c));
    Order needed = order(c);
    if (needed == TILE_BY_TILE) threads = 1;
    if ((!c->own && (threads < 2 || c->n < u->shared)) || needed == ONE_BY_ONE) return false;
    bool dense = c->steps[result] == u->size[result], over = over_operand(c);
    bool single = u->operands == u->inputs + 1;
    c->streams = single && dense && !over && c->n * operand_bytes(u) > 2 * STREAM_BYTES;
    c->buffered = c->own && (!dense || needed == TILE_BY_TILE || (over && u->check));
    if (c->n < u->shared || threads < 2) {
        compute(c, 0, c->n);
    } else {
        int64_t part = (c->n / (PARTS * threads) + TILE) / TILE * TILE;
        split_among((int)threads, c->n, part < LEAST_PART ? LEAST_PART : part, compute, c);
    }
    return true;
}

/* ---- reductions: the result is the first operand, over and over */

static void fold(void *context, int64_t from, int64_t to) {
    Call *c = context;
    const Reducer *reducer = c->u->reducer;
    int64_t size = c->u->size[1], run = RUN_BYTES / size;
    FpState state = fp_enter();
    for (int64_t i = from; i < to; i++)
        reducer->rows(c->args[1] + i * RUN_BYTES, 1, 0, least(run, c->n - i * run),
                      c->partial + i * size, NULL, 0);
    int mask = fp_take() & c->u->trusted;
    fp_leave(state);
    if (mask) atomic_fetch_or(&c->mask, mask);
}

/* Runs of the operand each to a value, these two by two: in an order that depends on nothing but
 * their number. */
static bool reduce(Call *c) {
    const Ufunc *u = c->u;
    int64_t size = u->size[1], runs = (c->n * size - 1) / RUN_BYTES + 1;
    if (!u->reducer || c->n < u->folded || c->steps[1] != size) return false;
    c->partial = scratch_take((size_t)(runs * size));
    if (!c->partial) return false;
    int64_t threads = least(threads_count(), 2 * c->n / u->folded);
    split_among((int)threads, runs, 1, fold, c);
    FpState state = fp_enter();
    Loop *combine = (Loop *)u->combine;
    for (; runs > 1; runs = (runs + 1) / 2) {
        const char *second = c->partial + (runs + 1) / 2 * size;
        combine(c->partial, second, NULL, c->partial, runs / 2);
    }
    combine(c->args[0], c->partial, NULL, c->args[0], 1);
    atomic_fetch_or(&c->mask, fp_take() & u->trusted);
    fp_leave(state);
    scratch_give(c->partial);
    return true;
}

/* ---- what NumPy calls */

static void run(const Ufunc *u, char **args, const intptr_t *count, const intptr_t *steps,
                void *data) {
    Call c = {.u = u, .args = args, .steps = steps, .data = data, .n = *count};
    trueno_use_threads(0); /* what an earlier launch of this thread asked for */
    bool reduces = u->operands == 3 && args[0] == args[2] && !steps[0] && !steps[2];
    if (reduces ? reduce(&c) : elementwise(&c)) fp_raise(atomic_load(&c.mask));
    else ((Former *)u->former)(args, count, steps, data);
}

/* A function for each entry, as NumPy passes nothing on that would tell one loop from another. */
#define ENTRY(k) \
    static void entry_##k(char **args, const intptr_t *count, const intptr_t *steps, void *data) { \
        const Ufunc *u = ufuncs + k; \
        if (*count < u->least) ((Former *)u->former)(args, count, steps, data); \
        else run(u, args, count, steps, data); \
    }
#define SIXTEEN(M, k) \
    M(k##0) M(k##1) M(k##2) M(k##3) M(k##4) M(k##5) M(k##6) M(k##7) \
    M(k##8) M(k##9) M(k##a) M(k##b) M(k##c) M(k##d) M(k##e) M(k##f)
#define SIXTEENS(M, k) \
    SIXTEEN(M, k##0) SIXTEEN(M, k##1) SIXTEEN(M, k##2) SIXTEEN(M, k##3) \
    SIXTEEN(M, k##4) SIXTEEN(M, k##5) SIXTEEN(M, k##6) SIXTEEN(M, k##7) \
    SIXTEEN(M, k##8) SIXTEEN(M, k##9) SIXTEEN(M, k##a) SIXTEEN(M, k##b) \
    SIXTEEN(M, k##c) SIXTEEN(M, k##d) SIXTEEN(M, k##e) SIXTEEN(M, k##f)
#define EACH_ENTRY(M) SIXTEENS(M, 0x0) SIXTEENS(M, 0x1)
EACH_ENTRY(ENTRY)

#define ADDRESS(k) entry_##k,
static Former *const entries[ENTRIES] = {EACH_ENTRY(ADDRESS)};

Ufunc *trueno_ufunc(int number) {
    return number >= 0 && number < ENTRIES ? ufuncs + number : NULL;
}

void *trueno_ufunc_entry(int number) {
    return number >= 0 && number < ENTRIES ? (void *)entries[number] : NULL;
}
