/* Launches: units of work over the boxes and tiles of an iteration space, spread over threads. */
#include "vm.h"

#include <stdlib.h>
#include <string.h>

#include "memory.h"
#include "threads.h"

/* Work is counted in bytes computed by simple steps: about 16 ps each with AVX-512 on Zen 4, in the
 * cache. A thread joins 15 to 35 microseconds after it is woken, which costs the waker 6: on two
 * threads work of 20 microseconds takes 25, of 50 takes 38, of 120 takes 70. So each thread is to
 * have 25. Units of 4 let them finish together. */
#define THREAD_WORK ((int64_t)3 << 19)
#define UNIT_WORK ((int64_t)1 << 18)
/* Operands larger than this are not in the second-level cache. */
#define PREFETCH_BYTES ((int64_t)1 << 20)

/* Parts of a reduction keep a tile of results each until they are joined, or a single one. */
enum {
    UNIT_TILES = 16,
    PANEL_UNIT_TILES = 128,
    MOST_PARTS = 256,
    MOST_WIDE_PARTS = 64,
    FEW_GROUPS = 32,
};

/* ---- one thread */

/* Carves `bytes` (rounded up to cache lines) off a block, or only counts them if it is NULL. */
static void *carve(char *block, size_t *used, size_t bytes) {
    void *part = block ? block + *used : NULL;
    *used += (bytes + 63) / 64 * 64;
    return part;
}

static Lanes carve_lanes(char *block, size_t *used, const Output *o) {
    char *value = carve(block, used, BUFFER);
    return (Lanes){value, o->pick ? carve(block, used, BUFFER) : NULL};
}

/* Lays a machine out in `block`; with NULL, only finds its size. */
static size_t machine_make(Machine *m, Run *run, char *block) {
    const Program *p = run->program;
    size_t used = 0, operands = (size_t)run->layout.operands;
    m->run = run;
    m->dirty = true;
    m->at = carve(block, &used, (size_t)p->slots * sizeof *m->at);
    m->home = carve(block, &used, (size_t)p->slots * sizeof *m->home);
    m->held = carve(block, &used, operands * sizeof *m->held);
    m->held_count = carve(block, &used, operands * sizeof *m->held_count);
    m->pointer = carve(block, &used, operands * sizeof *m->pointer);
    m->next = carve(block, &used, operands * sizeof *m->next);
    m->box = carve(block, &used, operands * ABREAST * sizeof *m->box);
    m->held_tiles = carve(block, &used, operands * sizeof *m->held_tiles);
    m->panel = carve(block, &used, operands * sizeof *m->panel);
    m->masks = carve(block, &used, (size_t)p->masks * sizeof *m->masks);
    int reductions = p->outputs + p->results;
    size_t sets = (size_t)run->abreast * (size_t)reductions;
    m->sets = carve(block, &used, sets * sizeof *m->sets);
    size_t resident = (size_t)(p->resident * run->layout.reduced_tiles);
    int single = p->storages - p->resident;
    char *buffers = carve(block, &used, ((size_t)single + resident) * BUFFER);
    for (int s = 0; s < p->slots && block; s++) {
        int64_t at = p->storage[s], beyond = at - single;
        if (beyond > 0) at += beyond * (run->layout.reduced_tiles - 1);
        m->at[s] = m->home[s] = buffers + at * BUFFER;
    }
    for (int k = 0; k < p->inputs; k++) {
        const Operand *operand = run->layout.operand + k;
        if (operand->mode != PANEL) continue;
        int64_t bytes = PANEL_BYTES / operand->size * panel_step(run, k);
        char *panel = carve(block, &used, (size_t)bytes);
        if (block) m->panel[k] = panel;
    }
    int levels = reduce_levels(&run->layout);
    bool picks = false;
    m->index = NULL;
    for (int k = 0; k < reductions; k++) {
        const Output *o = p->output + k;
        if (!folds(o)) continue;
        if (o->pick && !picks && !run->layout.ascending) m->index = carve(block, &used, BUFFER);
        picks = picks || o->pick;
        Lanes work = carve_lanes(block, &used, o), spare = carve_lanes(block, &used, o);
        for (int64_t g = 0; g < run->abreast; g++) {
            Lanes now = carve_lanes(block, &used, o);
            Lanes *level = carve(block, &used, (size_t)levels * sizeof(Lanes));
            for (int i = 0; i < levels; i++) {
                Lanes lanes = carve_lanes(block, &used, o);
                if (block) level[i] = lanes;
            }
            if (block)
                m->sets[g * reductions + k] = (Accumulator){now, work, spare, level, 0, 0};
        }
    }
    m->accumulator = m->sets;
    return used;
}

static void machine_start(Machine *m) {
    const Program *p = m->run->program;
    memset(m->held_count, 0, (size_t)m->run->layout.operands * sizeof *m->held_count);
    memset(m->masks, 0, (size_t)p->masks * sizeof *m->masks);
    for (int k = 0; k < p->consts; k++)
        m->run->kernels->fill(m->at[p->inputs + k], m->run->constant[k], p->constant[k].size,
                              m->run->layout.tile);
}

static void select_box(Machine *m, int64_t g) {
    const Program *p = m->run->program;
    m->accumulator = m->sets + g * (p->outputs + p->results);
    m->current = m->box + g * m->run->layout.operands;
}

/* Where the tile after (g, tile) begins: for prefetching. */
static void locate_next(Machine *m, int64_t count, int64_t g, int64_t tile, int64_t to) {
    const Layout *l = &m->run->layout;
    if (++g == count) g = 0, tile++;
    const int64_t *box = m->box + g * l->operands;
    memcpy(m->next, box, (size_t)l->operands * sizeof *box);
    if (tile < to) layout_locate(l, l->kept_loops, l->loops, tile, (int64_t *)m->next, 0);
    else if (m->box_number + count < l->kept_tiles)
        layout_locate_box(l, m->box_number + count, (int64_t *)m->next);
}

/* Tiles [from, to) of `count` boxes, tile by tile abreast. */
static void run_boxes(Machine *m, int64_t box, int64_t count, int64_t from, int64_t to) {
    Run *run = m->run;
    const Layout *l = &run->layout;
    m->box_number = box;
    m->settled = false;
    for (int64_t g = 0; g < count; g++) {
        select_box(m, g);
        m->piece[g] = layout_locate_box(l, box + g, m->current);
        reduce_begin(m, 0);
    }
    for (int64_t tile = from; tile < to && !m->settled && !atomic_load(&run->settled); tile++) {
        for (int64_t g = 0; g < count; g++) {
            select_box(m, g);
            if (run->prefetches) locate_next(m, count, g, tile, to);
            memcpy(m->pointer, m->current, (size_t)l->operands * sizeof *m->current);
            int64_t *address = (int64_t *)m->pointer;
            tile_run(m, layout_locate(l, l->kept_loops, l->loops, tile, address, m->piece[g]), 0);
        }
    }
    if (m->settled && l->kept_tiles == 1) atomic_store(&run->settled, true);
}

/* Keeps a part's result for join_parts. */
static void keep_part(Machine *m, int output, int64_t number) {
    const Run *run = m->run;
    const Output *o = run->program->output + output;
    int64_t lanes = run->result_lanes, offset = number * lanes;
    Lanes result = reduce_end(m, output);
    memcpy(run->partial[output].value + offset * o->lane_size, result.value,
           (size_t)(lanes * o->lane_size));
    if (o->pick) memcpy(run->partial[output].at + offset, result.at, (size_t)lanes * 8);
}

static void run_unit(Machine *m, int64_t unit) {
    Run *run = m->run;
    const Layout *l = &run->layout;
    int64_t part = unit % run->parts, from = part * run->part_tiles;
    int64_t to = from + run->part_tiles, box = unit / run->parts * run->group;
    int64_t end = box + run->group < l->kept_tiles ? box + run->group : l->kept_tiles;
    to = to < l->reduced_tiles ? to : l->reduced_tiles;
    for (; run->program->phases && box < end; box++) {
        select_box(m, 0);
        m->box_number = box;
        chain_run(m, box);
    }
    for (; box < end; box += run->abreast) {
        int64_t count = end - box < run->abreast ? end - box : run->abreast;
        run_boxes(m, box, count, from, to);
        for (int64_t g = 0; g < count; g++) {
            select_box(m, g);
            for (int k = 0; k < run->program->outputs; k++) {
                if (!run->program->output[k].reduces) continue;
                if (run->parts > 1) keep_part(m, k, (box + g) * run->parts + part);
                else reduce_store(m, k, reduce_end(m, k), m->piece[g]);
            }
        }
    }
}

/* Combines the parts of each box and stores the results. */
static void join_parts(Machine *m) {
    Run *run = m->run;
    const Layout *l = &run->layout;
    int64_t lanes = run->result_lanes;
    select_box(m, 0);
    for (int64_t box = 0; box < l->kept_tiles; box++) {
        int64_t piece = layout_locate_box(l, box, m->current);
        for (int k = 0; k < run->program->outputs; k++) {
            const Output *o = run->program->output + k;
            if (!o->reduces) continue;
            int64_t offset = box * run->parts * lanes;
            Lanes rows = {run->partial[k].value + offset * o->lane_size,
                          o->pick ? run->partial[k].at + offset : NULL};
            reduce_fold(m, o, rows, run->parts, lanes);
            reduce_store(m, k, rows, piece);
        }
    }
}

static void publish_masks(Machine *m) {
    for (int i = 0; i < m->run->program->masks; i++)
        if (m->masks[i]) atomic_fetch_or(&m->run->masks[i], m->masks[i]);
}

static void work(void *context) {
    Run *run = context;
    if (atomic_load(&run->next_unit) >= run->units) return;
    char *block = scratch_take(run->machine_bytes);
    if (!block) return; /* another thread may have its memory; if none has, units are left over */
    FpState state = fp_enter();
    Machine machine;
    machine_make(&machine, run, block);
    machine_start(&machine);
    for (;;) {
        int64_t unit = atomic_fetch_add(&run->next_unit, 1);
        if (unit >= run->units) break;
        run_unit(&machine, unit);
    }
#if defined(__x86_64__) || defined(__i386__)
    if (run->streams) _mm_sfence(); /* streaming stores are weakly ordered */
#endif
    publish_masks(&machine);
    fp_leave(state);
    scratch_give(block);
}

/* ---- a launch */

static int64_t unit_tiles(const Run *run) {
    int64_t tiles = UNIT_WORK / (run->layout.tile * run->program->cost);
    return tiles < 1 ? 1 : tiles < UNIT_TILES ? tiles : UNIT_TILES;
}

/* How a launch is split depends on its shape only, never on the number of threads. */
static void split(Run *run) {
    const Layout *l = &run->layout;
    int64_t tiles = l->reduced_tiles, boxes = l->kept_tiles;
    run->result_lanes = (l->cut_reduced ? 1 : l->piece) * (l->whole_reduced ? 1 : l->whole);
    run->parts = 1;
    run->part_tiles = tiles;
    run->abreast = 1;
    /* Reducing along an outer dimension, neighbouring boxes go abreast: they are read in memory
     * order, where each alone would be read with jumps. */
    if (tiles > 1 && !l->cut_reduced && !l->whole_reduced)
        run->abreast = boxes < ABREAST ? boxes : ABREAST;
    run->group = run->abreast;
    if (l->panel >= 0) run->group = PANEL_UNIT_TILES;
    else if (l->tile > TILE) run->group = UNIT_TILES * TILE / l->tile;
    else if (tiles == 1) run->group = unit_tiles(run);
    else if (tiles * run->group < UNIT_TILES) run->group = UNIT_TILES / tiles;
    int64_t groups = (boxes + run->group - 1) / run->group;
    if (tiles > 1 && groups < FEW_GROUPS && !run->program->phases) {
        int64_t most = (tiles + UNIT_TILES - 1) / UNIT_TILES;
        int64_t parts = (run->result_lanes > 1 ? MOST_WIDE_PARTS : MOST_PARTS) / groups;
        parts = parts < most ? parts : most;
        run->part_tiles = (tiles + parts - 1) / parts;
        run->parts = (tiles + run->part_tiles - 1) / run->part_tiles;
    }
    run->units = groups * run->parts;
}

/* Whether another output than `output` is the input itself. */
static bool goes_elsewhere(const Program *p, int input, int output) {
    for (int k = 0; k < p->outputs; k++)
        if (k != output && p->output[k].value == input) return true;
    return false;
}

/* An output may be an input's own memory. If a later step still reads that input, or the step that
 * overwrites it reads it again after its loop, the result is stored when all is done. If another
 * output is that input, its tiles are copied before anything is stored. */
static void find_deferred(Run *run) {
    const Program *p = run->program;
    for (int k = 0; k < p->outputs; k++) {
        const Output *o = p->output + k;
        run->deferred[k] = o->producer < 0 || !in_phase(p, p->step[o->producer].phase, o->phase);
        for (int i = 0; i < p->inputs && !o->reduces; i++) {
            if (run->layout.operand[i].base != run->layout.operand[p->inputs + k].base) continue;
            Operand *input = run->layout.operand + i;
            if (input->mode == DENSE && goes_elsewhere(p, i, k)) input->mode = STRIDED;
            int last = p->input[i].last_step;
            if (o->producer < last || (o->producer == last && o->checked)) run->deferred[k] = true;
        }
    }
}

static int64_t elements(const Layout *l) {
    return l->kept_tiles * l->reduced_tiles * l->tile;
}

static bool should_stream(const Run *run) {
    int64_t size = 0;
    for (int k = 0; k < run->layout.outputs; k++)
        if (!run->program->output[k].reduces) size += run->program->output[k].size;
    return elements(&run->layout) * size > STREAM_BYTES;
}

static bool should_prefetch(const Run *run) {
    int64_t size = 0;
    for (int k = 0; k < run->layout.inputs; k++)
        if (run->layout.operand[k].mode == DENSE) size += run->layout.operand[k].size;
    return elements(&run->layout) * size > PREFETCH_BYTES;
}

static int threads_for(const Run *run) {
    int64_t worth = elements(&run->layout) * run->program->cost / THREAD_WORK;
    int64_t count = run->units < worth ? run->units : worth, most = threads_count();
    return (int)(count < most ? count : most);
}

static int read_constants(const Program *p, const int64_t *objects, const void **constant) {
    for (int k = 0; k < p->consts; k++) {
        constant[k] = scalar_value(objects[k], p->constant[k].type);
        if (!constant[k]) return ERROR_TYPE;
    }
    return 0;
}

static size_t partial_bytes(const Run *run, const Output *o) {
    size_t lanes = (size_t)(run->layout.kept_tiles * run->parts * run->result_lanes);
    return o->reduces && run->parts > 1 ? lanes * (size_t)(o->lane_size + (o->pick ? 8 : 0)) + 64
                                        : 0;
}

static int run_launch(Run *run, const int64_t *objects) {
    const Program *p = run->program;
    split(run);
    size_t bytes = 64 * 4 + (size_t)p->consts * sizeof(void *) + (size_t)p->outputs +
                   (size_t)p->outputs * sizeof(Lanes) + (size_t)p->masks * sizeof(atomic_int);
    for (int k = 0; k < p->outputs; k++) bytes += 64 + partial_bytes(run, p->output + k);
    char *block = scratch_take(bytes);
    if (!block) return ERROR_MEMORY;
    size_t used = 0;
    run->constant = carve(block, &used, (size_t)p->consts * sizeof *run->constant);
    run->deferred = carve(block, &used, (size_t)p->outputs * sizeof *run->deferred);
    run->partial = carve(block, &used, (size_t)p->outputs * sizeof *run->partial);
    run->masks = carve(block, &used, (size_t)p->masks * sizeof *run->masks);
    for (int i = 0; i < p->masks; i++) atomic_init(&run->masks[i], 0);
    for (int k = 0; k < p->outputs; k++) {
        const Output *o = p->output + k;
        int64_t lanes = run->layout.kept_tiles * run->parts * run->result_lanes;
        run->partial[k].value = carve(block, &used, partial_bytes(run, o));
        if (o->pick) { /* the indices, which need the stricter alignment, come first */
            run->partial[k].at = (int64_t *)run->partial[k].value;
            run->partial[k].value += lanes * 8;
        }
    }
    int status = read_constants(p, objects + p->inputs + p->outputs, run->constant);
    if (!status) {
        find_deferred(run);
        run->streams = should_stream(run);
        run->prefetches = should_prefetch(run);
        Machine machine;
        run->machine_bytes = machine_make(&machine, run, NULL);
        atomic_init(&run->next_unit, 0);
        atomic_init(&run->settled, false);
        threads_run(threads_for(run), work, run);
        if (atomic_load(&run->next_unit) < run->units) status = ERROR_MEMORY;
    }
    if (!status && run->parts > 1) {
        char *memory = scratch_take(run->machine_bytes);
        if (memory) {
            FpState state = fp_enter();
            Machine machine;
            machine_make(&machine, run, memory);
            machine_start(&machine);
            join_parts(&machine);
            publish_masks(&machine);
            fp_leave(state);
            scratch_give(memory);
        } else {
            status = ERROR_MEMORY;
        }
    }
    if (!status) {
        int64_t *masks = (int64_t *)objects + p->inputs + p->outputs + p->consts;
        for (int i = 0; i < p->masks; i++) {
            int mask = atomic_load(&run->masks[i]);
            masks[i] |= mask;
            if (mask) status = 1;
        }
    }
    scratch_give(block);
    return status;
}

int trueno_run(const Program *program, int64_t *block, int threads) {
    trueno_use_threads(threads);
    Run run = {.program = program, .kernels = trueno_kernels};
    int status = layout_make(&run.layout, program, block);
    int64_t *objects = (int64_t *)block_objects(block);
    int mask;
    if (!status && reduce_direct(program, &run.layout, &mask)) {
        status = mask < 0 ? mask : mask != 0;
        if (mask > 0) objects[2 + program->output->mask] |= mask;
    } else if (!status) {
        status = run_launch(&run, objects);
    }
    layout_free(&run.layout);
    // Python may take a signal before it sees the status: this tells that the outputs are written.
    if (status >= 0) block[0] = -1;
    return status;
}
