/* One tile of a launch: bring in the inputs, run the steps, put out the results. */
#include <string.h>

#include "copy.h"
#include "vm.h"

enum { TRANSPOSED_FROM = 8 }; /* rows that make the blocks of a transposition pay */

typedef struct {
    const Run *run;
    int size;
    int64_t tiles, step; /* of a panel: how many tiles, and the bytes between them */
} Moving;

typedef void Move(const Moving *moving, char *dense, intptr_t strided, int64_t rows,
                  int64_t row_stride, int64_t columns, int64_t column_stride);

static void move_in(const Moving *moving, char *dense, intptr_t strided, int64_t rows,
                    int64_t row_stride, int64_t columns, int64_t column_stride) {
    const Kernels *kernels = moving->run->kernels;
    int size = moving->size;
    if (row_stride == size && column_stride != size && rows >= TRANSPOSED_FROM)
        kernels->transpose(dense, columns * size, (const char *)strided, column_stride, size, rows,
                           columns);
    else
        kernels->gather(dense, (const char *)strided, size, rows, row_stride, columns,
                        column_stride);
}

static void move_out(const Moving *moving, char *dense, intptr_t strided, int64_t rows,
                     int64_t row_stride, int64_t columns, int64_t column_stride) {
    moving->run->kernels->scatter((char *)strided, dense, moving->size, rows, row_stride, columns,
                                  column_stride);
}

static void move_panel(const Moving *moving, char *dense, intptr_t strided, int64_t rows,
                       int64_t row_stride, int64_t columns, int64_t column_stride) {
    const Kernels *kernels = moving->run->kernels;
    int size = moving->size;
    for (int64_t i = 0; i < rows; i++) {
        char *to = dense + i * columns * size;
        const char *from = (const char *)strided + i * row_stride;
        if (moving->tiles >= TRANSPOSED_FROM) {
            kernels->transpose(to, moving->step, from, column_stride, size, moving->tiles, columns);
            continue;
        }
        for (int64_t t = 0; t < moving->tiles; t++)
            kernels->gather(to + t * moving->step, from + t * size, size, 1, 0, columns,
                            column_stride);
    }
}

/* Indices are generated: element (i, j) is base + i * row_stride + j * column_stride. */
static void move_index(const Moving *moving, char *dense, intptr_t base, int64_t rows,
                       int64_t row_stride, int64_t columns, int64_t column_stride) {
    (void)moving;
    int64_t *out = (int64_t *)dense;
    for (int64_t i = 0; i < rows; i++)
        for (int64_t j = 0; j < columns; j++)
            *out++ = base + i * row_stride + j * column_stride;
}

/* Visits a tile's elements, two dimensions at a time; `skip` leaves the reduced ones out. */
static void move(const Moving *moving, Move *move_2d, const Operand *operand, intptr_t strided,
                 char *dense, int64_t piece, bool skip) {
    const Layout *l = &moving->run->layout;
    int64_t extent[MAX_DIMS + 2] = {1, 1}, stride[MAX_DIMS + 2] = {0, 0}, at[MAX_DIMS + 2] = {0};
    int dims = 2; /* two outer ones of extent 1, so that there are always two */
    for (int d = l->cut < 0 ? 0 : l->cut; d < l->dims; d++) {
        int64_t steps = d == l->cut ? piece : l->extent[d];
        if (steps == 1 || (skip && l->reduced[d])) continue;
        extent[dims] = steps;
        stride[dims++] = operand->stride[d];
    }
    int64_t rows = extent[dims - 2], columns = extent[dims - 1];
    for (;;) {
        move_2d(moving, dense, strided, rows, stride[dims - 2], columns, stride[dims - 1]);
        dense += rows * columns * moving->size;
        int d = dims - 3;
        for (; d >= 0; d--) {
            strided += stride[d];
            if (++at[d] < extent[d]) break;
            strided -= extent[d] * stride[d];
            at[d] = 0;
        }
        if (d < 0) return;
    }
}

void tile_store(const Run *run, const Operand *operand, char *to, const char *from, int64_t piece,
                bool kept_only) {
    Moving moving = {run, operand->size};
    move(&moving, move_out, operand, (intptr_t)to, (char *)from, piece, kept_only);
}

/* A program reads its operands one or two at a time, a tile of each: about a page, where the
 * processor's own prefetching ends. So the next tile is asked for, to the second-level cache, in
 * shares small enough for the line-fill buffers to take while a step computes. Measured on Zen 4:
 * a six-step program on three operands takes half the time, a sum down the columns three quarters;
 * a short program on consecutive tiles gains nothing. */
static void prefetch_share(const Machine *m, int64_t n, int share, int shares) {
    const Run *run = m->run;
    for (int k = 0; k < run->program->inputs; k++) {
        const Operand *operand = run->layout.operand + k;
        int64_t bytes = n * operand->size, part = (bytes / shares + 63) / 64 * 64;
        if (operand->mode != DENSE || (shares < 3 && m->next[k] == m->at[k] + bytes)) continue;
        const char *from = m->next[k] + share * part;
        for (int64_t i = 0; i < part; i += 64) __builtin_prefetch(from + i, 0, 2);
    }
    __asm__ volatile(""); /* GCC drops calls of functions that do nothing but prefetch */
}

/* Finds an operand's tile in its panel, which is brought in if another one lies there. Tiles of
 * panels follow each other along the panels' dimension. */
static void bring_in_panel(Machine *m, int k, int64_t n, int64_t piece) {
    const Run *run = m->run;
    const Layout *l = &run->layout;
    const Operand *operand = l->operand + k;
    int64_t most = PANEL_BYTES / operand->size, extent = l->extent[l->panel];
    int64_t at = m->box_number % extent, tile = at % most, left = extent - (at - tile);
    char *from = m->pointer[k] - tile * operand->size;
    Moving moving = {run, operand->size, left < most ? left : most, panel_step(run, k)};
    if (m->held[k] != from || m->held_count[k] < n || m->held_tiles[k] != moving.tiles) {
        m->held[k] = from;
        m->held_count[k] = n;
        m->held_tiles[k] = moving.tiles;
        move(&moving, move_panel, operand, (intptr_t)from, m->panel[k], piece, false);
    }
    m->at[k] = m->panel[k] + tile * moving.step;
}

static void bring_in(Machine *m, int64_t n, int64_t piece, int phase) {
    const Run *run = m->run;
    const Program *p = run->program;
    for (int k = 0; k < p->inputs; k++) {
        const Operand *operand = run->layout.operand + k;
        char *from = m->pointer[k];
        if (p->phases && !(p->input[k].phases >> phase & 1)) continue;
        if (operand->mode == DENSE) {
            m->at[k] = from;
            continue;
        }
        if (operand->mode == PANEL) {
            bring_in_panel(m, k, n, piece);
            continue;
        }
        /* an operand that is broadcast along the tiles comes in once */
        if (m->held[k] == from && m->held_count[k] >= n) continue;
        m->held[k] = from;
        m->held_count[k] = n;
        if (operand->mode == SCALAR) run->kernels->fill(m->at[k], from, operand->size, n);
        else {
            Moving moving = {run, operand->size};
            move(&moving, move_in, operand, (intptr_t)from, m->at[k], piece, false);
        }
    }
    if (!m->index) return;
    int k = run->layout.operands - 1;
    if (m->held[k] == m->pointer[k] && m->held_count[k] >= n) return;
    m->held[k] = m->pointer[k];
    m->held_count[k] = n;
    Moving moving = {run, sizeof *m->index};
    move(&moving, move_index, run->layout.operand + k, (intptr_t)m->pointer[k], (char *)m->index,
         piece, false);
}

/* Whether conditions of a pair of operations may be new for either. */
static bool is_news(const Machine *m, const Step *parts, int raised) {
    return raised & ((parts[0].trusted & ~m->masks[parts[0].mask]) |
                     (parts[1].trusted & ~m->masks[parts[1].mask]));
}

void tile_step(Machine *m, const Step *s, int64_t n) {
    const char *x = m->at[s->args[0]], *y = m->at[s->args[1]], *z = m->at[s->args[2]];
    if (s->trusted && m->dirty) fp_take();
    ((Loop *)s->run)(x, y, z, m->at[s->out], n);
    m->dirty = !s->trusted;
    int raised = s->trusted ? fp_take() & s->trusted : 0;
    if (!s->parts) {
        m->masks[s->mask] |= raised;
    } else if (raised && is_news(m, s->parts, raised)) {
        tile_step(m, s->parts, n);
        tile_step(m, s->parts + 1, n);
    }
    if (s->check)
        m->masks[s->mask] |= ((Check *)s->check)(x, y, m->at[s->out], n, s->derived, s->pole);
}

static bool runs(const Program *p, const Step *s, int phase) {
    return !p->phases || (s->phase == phase && !s->row);
}

static void run_steps(Machine *m, int64_t n, int phase) {
    const Program *p = m->run->program;
    bool prefetches = m->run->prefetches && in_phase(p, p->busiest, phase);
    int share = 0, shares = p->steps;
    if (p->phases) {
        shares = 0;
        for (int i = 0; i < p->steps; i++) shares += runs(p, p->step + i, phase);
    }
    if (prefetches && !shares) prefetch_share(m, n, 0, 1);
    for (int i = 0; i < p->steps; i++) {
        if (!runs(p, p->step + i, phase)) continue;
        if (prefetches) prefetch_share(m, n, share++, shares);
        tile_step(m, p->step + i, n);
    }
}

static bool in_place(const Run *run, int output) {
    const Output *o = run->program->output + output;
    return !o->reduces && !run->deferred[output] && !run->streams &&
           run->layout.operand[run->layout.inputs + output].mode == DENSE;
}

static void put_out(Machine *m, int output, int64_t n, int64_t piece) {
    const Run *run = m->run;
    int k = run->layout.inputs + output;
    const Operand *operand = run->layout.operand + k;
    const char *from = m->at[run->program->output[output].value];
    char *to = m->pointer[k];
    if (from == to) return;
    if (operand->mode != DENSE) tile_store(run, operand, to, from, piece, false);
    else if (run->streams) run->kernels->stream(to, from, n * operand->size);
    else copy_bytes(to, from, n * operand->size);
}

void tile_run(Machine *m, int64_t piece, int phase) {
    const Run *run = m->run;
    const Program *p = run->program;
    int64_t n = piece * run->layout.whole;
    bring_in(m, n, piece, phase);
    for (int k = p->outputs - 1; k >= 0; k--) /* of two outputs of one value the first gets it */
        if (in_place(run, k) && in_phase(p, p->output[k].phase, phase))
            m->at[p->output[k].value] = m->pointer[run->layout.inputs + k];
    run_steps(m, n, phase);
    for (int k = 0; k < p->outputs + p->results; k++) {
        if (!in_phase(p, p->output[k].phase, phase)) continue;
        if (folds(p->output + k)) reduce_tile(m, k, piece);
        else if (!p->output[k].reduces) put_out(m, k, n, piece);
    }
}
