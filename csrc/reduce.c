/* Reductions. A tile is combined lane by lane into an accumulator; BLOCK tiles make a block, and
 * blocks are combined pairwise, as the lanes are in the end. The tree depends on the launch's shape
 * and strides alone. Its depth, BLOCK + log2(elements / BLOCK), bounds the rounding error of a sum
 * as that of NumPy's pairwise sum is bounded (numpy/_core/src/umath/loops_utils.h.src: 16 serial
 * additions in each of 8 lanes, then pairwise). */
#include <string.h>

#include "vm.h"

enum { BLOCK = 16, SHORT_ROW = 16 };

int reduce_levels(const Layout *l) {
    int levels = 1;
    for (int64_t blocks = l->reduced_tiles / BLOCK; blocks; blocks /= 2) levels++;
    return levels;
}

Lanes lanes_at(const Output *o, Lanes lanes, int64_t offset) {
    return (Lanes){lanes.value + offset * o->lane_size, lanes.at ? lanes.at + offset : NULL};
}

/* Between these two the hardware flags are the reduction's. */
static void begin_flags(Machine *m, const Output *o) {
    if (o->trusted && m->dirty) fp_take();
    m->dirty = !o->trusted;
}
static void end_flags(Machine *m, const Output *o) {
    if (o->trusted) m->masks[o->mask] |= fp_take() & o->trusted;
}

void lanes_combine(const Output *o, Lanes into, Lanes from, int64_t n) {
    if (o->pick) ((Pick *)o->pick)(from.value, from.at, into.value, into.at, n);
    else ((Loop *)o->combine)(into.value, from.value, NULL, into.value, n);
}

int64_t lanes_fold(const Output *o, Lanes rows, int64_t count, int64_t width, int64_t least) {
    while (count > least) {
        int64_t half = (count + 1) / 2;
        lanes_combine(o, rows, lanes_at(o, rows, half * width), (count - half) * width);
        count = half;
    }
    return count;
}

void reduce_fold(Machine *m, const Output *o, Lanes rows, int64_t count, int64_t width) {
    begin_flags(m, o);
    lanes_fold(o, rows, count, width, 1);
    end_flags(m, o);
}

static void clear(Machine *m, const Output *o, Lanes lanes) {
    int64_t n = m->run->layout.tile;
    m->run->kernels->fill(lanes.value, o->identity, o->lane_size, n);
    int64_t none = INT64_MAX;
    if (lanes.at) m->run->kernels->fill(lanes.at, &none, 8, n);
}

void reduce_begin(Machine *m, int phase) {
    const Program *p = m->run->program;
    for (int k = 0; k < p->outputs + p->results; k++) {
        if (!folds(p->output + k) || !in_phase(p, p->output[k].phase, phase)) continue;
        clear(m, p->output + k, m->accumulator[k].now);
        m->accumulator[k].tiles = m->accumulator[k].blocks = 0;
    }
}

static void copy(const Output *o, Lanes to, Lanes from, int64_t n) {
    memcpy(to.value, from.value, (size_t)(n * o->lane_size));
    if (to.at) memcpy(to.at, from.at, (size_t)n * 8);
}

/* Rows of `width` consecutive elements, each reduced to one lane: long ones one by one, down to a
 * short rest; short ones are transposed, so that the folding runs along all of them at once. */
static void fold_rows(Machine *m, const Output *o, Lanes from, Lanes to, Lanes spare, int64_t rows,
                      int64_t width) {
    const Kernels *kernels = m->run->kernels;
    int64_t stride = width;
    if (rows == 1) {
        copy(o, to, from, width);
        lanes_fold(o, to, width, 1, 1);
        return;
    }
    if (width > SHORT_ROW) {
        copy(o, spare, from, rows * width);
        int64_t rest = width;
        for (int64_t row = 0; row < rows; row++)
            rest = lanes_fold(o, lanes_at(o, spare, row * width), width, 1, SHORT_ROW);
        from = spare;
        width = rest;
    }
    kernels->gather(to.value, from.value, o->lane_size, width, o->lane_size, rows,
                    stride * o->lane_size);
    if (to.at) kernels->gather((char *)to.at, (char *)from.at, 8, width, 8, rows, stride * 8);
    lanes_fold(o, to, width, rows, 1);
}

static void swap(Lanes *a, Lanes *b) {
    Lanes c = *a;
    *a = *b;
    *b = c;
}

static void end_block(Machine *m, const Output *o, Accumulator *a) {
    int level = 0;
    for (; a->blocks >> level & 1; level++) {
        lanes_combine(o, a->level[level], a->now, m->run->layout.tile);
        swap(&a->level[level], &a->now);
    }
    swap(&a->level[level], &a->now);
    a->blocks++;
    clear(m, o, a->now);
}

/* Along ascending indices one lane does: the first of the best so far. */
static void find(Machine *m, const Output *o, Accumulator *a, int64_t n) {
    const char *value = m->at[o->value];
    int64_t base = (intptr_t)m->pointer[m->run->layout.operands - 1];
    m->dirty = true;
    if (*a->now.at == INT64_MAX) {
        memcpy(a->now.value, value, (size_t)o->lane_size);
        *a->now.at = base;
    }
    int64_t at = ((Find *)o->find)(value, a->now.value, n);
    if (at >= 0) *a->now.at = base + at;
}

void reduce_tile(Machine *m, int output, int64_t piece) {
    const Layout *l = &m->run->layout;
    const Output *o = m->run->program->output + output;
    Accumulator *a = m->accumulator + output;
    Lanes from = {m->at[o->value], o->pick ? m->index : NULL};
    int64_t n = piece * l->whole;
    if (o->pick && l->ascending) {
        find(m, o, a, n);
        return;
    }
    begin_flags(m, o);
    if (a->tiles && a->tiles % BLOCK == 0) end_block(m, o, a);
    a->tiles++;
    if (l->whole_reduced && !l->cut_reduced) {
        fold_rows(m, o, from, a->work, a->spare, piece, l->whole);
        from = a->work;
        n = piece;
    }
    lanes_combine(o, a->now, from, n);
    end_flags(m, o);
    if (o->settles && !o->pick && l->whole_reduced && l->cut_reduced)
        m->settled = memchr(a->now.value, o->settles - 1, (size_t)n) != NULL;
}

Lanes reduce_end(Machine *m, int output) {
    const Layout *l = &m->run->layout;
    const Output *o = m->run->program->output + output;
    Accumulator *a = m->accumulator + output;
    Lanes result = a->now;
    if (o->pick && l->ascending) return result;
    begin_flags(m, o);
    for (int level = 0; a->blocks >> level; level++) {
        if (!(a->blocks >> level & 1)) continue;
        lanes_combine(o, a->level[level], result, l->tile);
        result = a->level[level];
    }
    if (l->cut_reduced) {
        int64_t width = l->whole_reduced ? 1 : l->whole;
        lanes_fold(o, result, l->tile / width, width, 1);
    }
    end_flags(m, o);
    return result;
}

void reduce_store(Machine *m, int output, Lanes result, int64_t piece) {
    const Run *run = m->run;
    const Layout *l = &run->layout;
    const Output *o = run->program->output + output;
    const Operand *operand = l->operand + l->inputs + output;
    int64_t n = (l->cut_reduced ? 1 : piece) * (l->whole_reduced ? 1 : l->whole);
    char *from = o->pick ? (char *)result.at : result.value;
    if (o->narrow) {
        char *narrowed = m->accumulator[output].work.value;
        ((Loop *)o->narrow)(from, from, from, narrowed, n);
        m->dirty = true;
        m->masks[o->mask] |=
            ((Check *)o->narrow_check)(from, from, narrowed, n, OVERFLOW | INVALID, 0);
        from = narrowed;
    }
    tile_store(run, operand, (char *)(intptr_t)m->current[l->inputs + output], from, piece, true);
}
