/* Reductions of one array as it lies in memory: no tiles, the reducers of kernels_reduce.h read it.
 *
 * An item is what one call of a reducer takes: a part of the dimension that it reduces along, for a
 * part of the kept dimension that it goes across. A box is the items that give the same results.
 * Items are combined pairwise; a box of many is split into parts, whose results are joined when all
 * are there. All of this follows from the shape and the strides, nothing from the threads. */
#include <stdatomic.h>
#include <string.h>

#include "memory.h"
#include "split.h"
#include "vm.h"

enum {
    MOST_LANES = 4096,
    TALL = 32,         /* rows an item, where columns are reduced */
    NARROW = 1024,     /* fewer columns: several rows are taken as one of up to WIDENED elements */
    WIDENED = 4096,
    LEAST_BREADTH = 16,
    LEAST_ITEM = 256,  /* elements for which calling a reducer pays */
    FEW_BOXES = 32,
    MOST_PARTS = 64,
    UNIT_BYTES = 1 << 18,
    MOST_LEVELS = 64
};
/* With fewer bytes waking another thread costs more than it saves. */
#define WORTH_THREADS ((int64_t)1 << 20)

/* A dimension in steps. */
typedef struct {
    int dim;
    int64_t step, count;
} Walk;

typedef struct {
    const Layout *l;
    const Output *o;
    const Reducer *reducer;
    const Operand *in, *out, *index;
    bool by_rows;
    int along, across;  /* dimensions; across is -1 if no dimension is kept */
    int64_t chunk;      /* steps along, an item */
    int64_t lanes;      /* steps across, a box */
    int64_t beside;     /* rows taken as one */
    Walk kept[MAX_DIMS], reduced[MAX_DIMS];
    int kept_walks, reduced_walks;
    int64_t boxes, items, parts, part_items;
    Lanes partial;      /* [box][part][lane] */
    size_t worker_bytes;
    atomic_llong settled; /* units from here on cannot change the launch's only result */
    atomic_int mask, failed;
} Direct;

typedef struct {
    Lanes now, spare, level[MOST_LEVELS];
} Worker;

typedef struct {
    const char *address;
    char *out;
    int64_t index, along, across;
} Place;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* ---- how the work is cut */

static void walk(Walk *walks, int *count, int64_t *product, int dim, int64_t extent, int64_t step) {
    Walk w = {dim, step, (extent - 1) / step + 1};
    walks[(*count)++] = w;
    *product *= w.count;
}

static bool choose_dimensions(Direct *d) {
    const Layout *l = d->l;
    int last = l->dims - 1, reduced = 0;
    d->along = d->across = -1;
    if (last < 0 || d->in->stride[last] != d->in->size || d->in->base % d->in->size) return false;
    for (int i = last; i >= 0; i--) {
        if (d->in->stride[i] % d->in->size) return false;
        if (l->reduced[i] && !reduced++) d->along = i;
        if (!l->reduced[i] && d->across < 0) d->across = i;
    }
    d->by_rows = d->along == last;
    /* the reducers of positions go along ascending ones */
    return reduced && (!d->o->pick || (reduced == 1 && d->index->stride[d->along] == 1));
}

static bool cut(Direct *d) {
    const Layout *l = d->l;
    int64_t length = l->extent[d->along], breadth = d->across < 0 ? 1 : l->extent[d->across];
    d->beside = 1;
    if (d->by_rows) {
        int64_t run = RUN_BYTES / d->in->size;
        d->chunk = least(length, run);
        d->lanes = least(least(run / d->chunk, MOST_LANES), breadth);
    } else {
        if (breadth < NARROW && !d->o->pick &&
            d->in->stride[d->along] == breadth * d->in->size)
            while (2 * d->beside * breadth <= WIDENED && 2 * d->beside <= length) d->beside *= 2;
        else if (breadth < LEAST_BREADTH)
            return false;
        d->lanes = least(breadth, MOST_LANES);
        d->chunk = least(length, TALL * d->beside);
    }
    d->kept_walks = d->reduced_walks = 0;
    d->boxes = d->items = 1;
    for (int i = 0; i < l->dims; i++) {
        int64_t step = i == d->along ? d->chunk : i == d->across ? d->lanes : 1;
        if (l->reduced[i]) walk(d->reduced, &d->reduced_walks, &d->items, i, l->extent[i], step);
        else walk(d->kept, &d->kept_walks, &d->boxes, i, l->extent[i], step);
    }
    return d->chunk * d->lanes >= LEAST_ITEM || d->boxes * d->items == 1;
}

static Lanes lanes_of(const Direct *d, char **memory, int64_t count) {
    Lanes lanes = {NULL, NULL};
    if (d->o->pick) { /* the indices, which need the stricter alignment, come first */
        lanes.at = (int64_t *)*memory;
        *memory += count * 8;
    }
    lanes.value = *memory;
    *memory += (count * d->o->lane_size + 63) / 64 * 64;
    return lanes;
}

static int levels(const Direct *d) {
    int count = 1;
    for (int64_t n = d->part_items; n; n /= 2) count++;
    return count;
}

static size_t lanes_bytes(const Direct *d, int64_t count) {
    return (size_t)(count * (d->o->lane_size + (d->o->pick ? 8 : 0)) + 64);
}

static void share_out(Direct *d) {
    d->parts = 1;
    if (d->boxes < FEW_BOXES) d->parts = least(d->items, MOST_PARTS / d->boxes);
    d->part_items = (d->items - 1) / d->parts + 1;
    d->parts = (d->items - 1) / d->part_items + 1;
    int64_t lanes = d->lanes * d->beside;
    d->worker_bytes = (size_t)(levels(d) + 2) * lanes_bytes(d, lanes);
}

/* ---- one thread */

/* Adds the place of `number` in a range of walks to an address and index. */
static void locate(const Direct *d, const Walk *walks, int count, int64_t number, Place *place) {
    for (int i = count - 1; i >= 0; i--) {
        const Walk *w = walks + i;
        int64_t start = number % w->count * w->step, extent = d->l->extent[w->dim];
        number /= w->count;
        place->address += start * d->in->stride[w->dim];
        place->out += start * d->out->stride[w->dim];
        place->index += start * d->index->stride[w->dim];
        if (w->dim == d->along) place->along = least(w->step, extent - start);
        if (w->dim == d->across) place->across = least(w->step, extent - start);
    }
}

static Place place_of_box(const Direct *d, int64_t box) {
    Place place = {(const char *)d->in->base, (char *)d->out->base, d->index->base, 1, 1};
    locate(d, d->kept, d->kept_walks, box, &place);
    return place;
}

/* Narrow columns: `beside` rows are one row, whose results are folded. */
static void reduce_narrow(const Direct *d, Worker *w, const Place *p) {
    int64_t stride = d->in->stride[d->along], width = p->across, count = d->beside;
    int64_t groups = p->along / count, rest = p->along % count;
    Lanes into = groups ? w->spare : w->now;
    if (groups)
        d->reducer->columns(p->address, groups, count * stride, count * width, w->now.value, NULL,
                            0);
    if (rest)
        d->reducer->columns(p->address + groups * count * stride, 1, stride, rest * width,
                            into.value, NULL, 0);
    if (groups && rest) lanes_combine(d->o, w->now, w->spare, rest * width);
    lanes_fold(d->o, w->now, groups ? count : rest, width, 1);
}

static void reduce_item(const Direct *d, Worker *w, const Place *p) {
    if (d->beside > 1)
        reduce_narrow(d, w, p);
    else if (d->by_rows)
        d->reducer->rows(p->address, p->across, d->across < 0 ? 0 : d->in->stride[d->across],
                         p->along, w->now.value, w->now.at, p->index);
    else
        d->reducer->columns(p->address, p->along, d->in->stride[d->along], p->across, w->now.value,
                            w->now.at, p->index);
}

/* The items of one part of a box, combined. */
static Lanes reduce_part(const Direct *d, Worker *w, Place box, int64_t from, int64_t to,
                         bool *settled) {
    const Output *o = d->o;
    int64_t done = 0;
    if (o->pick) w->now.at[0] = -1;
    if (o->pick) memset(w->now.at, -1, (size_t)box.across * sizeof *w->now.at);
    for (int64_t item = from; item < to && !*settled; item++) {
        Place p = box;
        locate(d, d->reduced, d->reduced_walks, item, &p);
        reduce_item(d, w, &p);
        *settled = o->settles && p.across == 1 && *w->now.value == o->settles - 1;
        if (o->pick) continue;
        int i = 0;
        for (; done >> i & 1; i++) {
            lanes_combine(o, w->level[i], w->now, p.across);
            Lanes swap = w->now;
            w->now = w->level[i];
            w->level[i] = swap;
        }
        Lanes swap = w->now;
        w->now = w->level[i];
        w->level[i] = swap;
        done++;
    }
    if (o->pick) return w->now;
    Lanes result = {NULL, NULL};
    for (int i = 0; done >> i; i++) {
        if (!(done >> i & 1)) continue;
        if (result.value) lanes_combine(o, w->level[i], result, box.across);
        result = w->level[i];
    }
    return result;
}

static void store(const Direct *d, Lanes result, const Place *box) {
    const char *from = d->o->pick ? (const char *)result.at : result.value;
    trueno_kernels->scatter(box->out, from, d->o->size, 1, 0, box->across,
                            d->across < 0 ? 0 : d->out->stride[d->across]);
}

static void keep(const Direct *d, Lanes result, int64_t unit, int64_t count) {
    Lanes into = lanes_at(d->o, d->partial, unit * d->lanes);
    memcpy(into.value, result.value, (size_t)(count * d->o->lane_size));
    if (into.at) memcpy(into.at, result.at, (size_t)count * 8);
}

static void skip(const Direct *d, int64_t unit) {
    Lanes into = lanes_at(d->o, d->partial, unit * d->lanes);
    memcpy(into.value, &d->o->identity, (size_t)d->o->lane_size);
    if (into.at) *into.at = INT64_MAX;
}

static void run_unit(Direct *d, Worker *w, int64_t unit) {
    Place box = place_of_box(d, unit / d->parts);
    int64_t from = unit % d->parts * d->part_items;
    bool settled = false;
    if (unit > atomic_load(&d->settled)) {
        skip(d, unit);
        return;
    }
    Lanes result = reduce_part(d, w, box, from, least(from + d->part_items, d->items), &settled);
    if (d->parts == 1) store(d, result, &box);
    else keep(d, result, unit, box.across);
    if (!settled || d->boxes > 1) return;
    long long before = atomic_load(&d->settled);
    while (unit < before && !atomic_compare_exchange_weak(&d->settled, &before, unit)) {}
}

static void work(void *context, int64_t from, int64_t to) {
    Direct *d = context;
    char *block = scratch_take(d->worker_bytes), *memory = block;
    if (!block) {
        atomic_store(&d->failed, 1);
        return;
    }
    int64_t lanes = d->lanes * d->beside;
    Worker w;
    w.now = lanes_of(d, &memory, lanes);
    w.spare = lanes_of(d, &memory, lanes);
    for (int i = 0; i < levels(d); i++) w.level[i] = lanes_of(d, &memory, lanes);
    FpState state = fp_enter();
    for (int64_t unit = from; unit < to; unit++) run_unit(d, &w, unit);
    atomic_fetch_or(&d->mask, fp_take() & d->o->trusted);
    fp_leave(state);
    scratch_give(block);
}

/* ---- a launch */

static void join(Direct *d) {
    FpState state = fp_enter();
    for (int64_t number = 0; number < d->boxes; number++) {
        Place box = place_of_box(d, number);
        Lanes parts = lanes_at(d->o, d->partial, number * d->parts * d->lanes);
        lanes_fold(d->o, parts, d->parts, d->lanes, 1);
        store(d, parts, &box);
    }
    atomic_fetch_or(&d->mask, fp_take() & d->o->trusted);
    fp_leave(state);
}

static int run(Direct *d) {
    int64_t units = d->boxes * d->parts;
    int64_t bytes = d->part_items * d->chunk * d->lanes * d->in->size;
    int64_t grain = bytes < UNIT_BYTES ? (UNIT_BYTES - 1) / bytes + 1 : 1;
    char *block = NULL, *memory;
    if (d->parts > 1) {
        memory = block = scratch_take(lanes_bytes(d, units * d->lanes));
        if (!block) return ERROR_MEMORY;
        d->partial = lanes_of(d, &memory, units * d->lanes);
    }
    if (units * bytes < WORTH_THREADS) work(d, 0, units);
    else split(units, grain, work, d);
    if (block && !atomic_load(&d->failed)) join(d);
    scratch_give(block);
    return atomic_load(&d->failed) ? ERROR_MEMORY : atomic_load(&d->mask);
}

bool reduce_direct(const Program *p, const Layout *l, int *mask) {
    if (!p->output->direct) return false;
    Direct d = {.l = l, .o = p->output, .reducer = p->output->direct};
    d.in = l->operand;
    d.out = l->operand + 1;
    d.index = l->operand + 2;
    atomic_init(&d.settled, INT64_MAX);
    atomic_init(&d.mask, 0);
    atomic_init(&d.failed, 0);
    if (!choose_dimensions(&d) || !cut(&d)) return false;
    share_out(&d);
    *mask = run(&d);
    return true;
}
