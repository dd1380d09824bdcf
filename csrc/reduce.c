/* Reductions. A tile is combined lane by lane into an accumulator; BLOCK tiles make a block, and
 * blocks are combined pairwise, as the lanes are in the end. The tree depends on the launch's shape
 * and strides alone. Its depth, BLOCK + log2(elements / BLOCK), bounds the rounding error of a sum
 * as that of NumPy's pairwise sum is bounded (numpy/_core/src/umath/loops_utils.h.src: 16 serial
 * additions in each of 8 lanes, then pairwise). */
#include <string.h>

#include "vm.h"

enum { BLOCK = 16, SHORT_ROW = 64 };

int reduce_levels(const Layout *l) {
    int levels = 1;
    for (int64_t blocks = l->reduced_tiles / BLOCK; blocks; blocks /= 2) levels++;
    return levels;
}

static Lanes lanes_at(const Output *o, Lanes lanes, int64_t offset) {
    return (Lanes){lanes.value + offset * o->lane_size, lanes.at ? lanes.at + offset : NULL};
}

/* into = into (+) from */
static void combine(Machine *m, const Output *o, Lanes into, Lanes from, int64_t n) {
    if (o->pick) {
        ((Pick *)o->pick)(from.value, from.at, into.value, into.at, n);
        m->dirty = true;
        return;
    }
    if (o->trusted && m->dirty) fp_take();
    ((Loop *)o->combine)(into.value, from.value, NULL, into.value, n);
    m->dirty = !o->trusted;
    if (o->trusted) m->masks[o->mask] |= fp_take() & o->trusted;
}

void reduce_fold(Machine *m, const Output *o, Lanes rows, int64_t count, int64_t width) {
    while (count > 1) {
        int64_t half = (count + 1) / 2;
        combine(m, o, rows, lanes_at(o, rows, half * width), (count - half) * width);
        count = half;
    }
}

static void clear(Machine *m, const Output *o, Lanes lanes) {
    int64_t n = m->run->layout.tile;
    m->run->kernels->fill(lanes.value, &o->identity, o->lane_size, n);
    int64_t none = INT64_MAX;
    if (lanes.at) m->run->kernels->fill(lanes.at, &none, 8, n);
}

void reduce_begin(Machine *m) {
    const Program *p = m->run->program;
    for (int k = 0; k < p->outputs; k++) {
        if (!p->output[k].reduces) continue;
        clear(m, p->output + k, m->accumulator[k].now);
        m->accumulator[k].tiles = m->accumulator[k].blocks = 0;
    }
}

/* Rows of `width` consecutive elements, each reduced to one lane. Short rows are transposed first,
 * so that the folding runs along them all at once. */
static void fold_rows(Machine *m, const Output *o, Lanes from, Lanes to, int64_t rows,
                      int64_t width) {
    const Kernels *kernels = m->run->kernels;
    if (width < SHORT_ROW) {
        kernels->gather(to.value, from.value, o->lane_size, width, o->lane_size, rows,
                        width * o->lane_size);
        if (to.at) kernels->gather((char *)to.at, (char *)from.at, 8, width, 8, rows, width * 8);
        reduce_fold(m, o, to, width, rows);
        return;
    }
    memcpy(to.value, from.value, (size_t)(rows * width * o->lane_size));
    if (to.at) memcpy(to.at, from.at, (size_t)(rows * width) * 8);
    for (int64_t row = 0; row < rows; row++) {
        Lanes lane = lanes_at(o, to, row), first = lanes_at(o, to, row * width);
        reduce_fold(m, o, first, width, 1);
        memcpy(lane.value, first.value, (size_t)o->lane_size);
        if (to.at) *lane.at = *first.at;
    }
}

static void swap(Lanes *a, Lanes *b) {
    Lanes c = *a;
    *a = *b;
    *b = c;
}

static void end_block(Machine *m, const Output *o, Accumulator *a) {
    int level = 0;
    for (; a->blocks >> level & 1; level++) {
        combine(m, o, a->level[level], a->now, m->run->layout.tile);
        swap(&a->level[level], &a->now);
    }
    swap(&a->level[level], &a->now);
    a->blocks++;
    clear(m, o, a->now);
}

void reduce_tile(Machine *m, int output, int64_t piece) {
    const Layout *l = &m->run->layout;
    const Output *o = m->run->program->output + output;
    Accumulator *a = m->accumulator + output;
    Lanes from = {m->at[o->value], o->pick ? m->index : NULL};
    int64_t n = piece * l->whole;
    if (a->tiles && a->tiles % BLOCK == 0) end_block(m, o, a);
    a->tiles++;
    if (l->whole_reduced && !l->cut_reduced) {
        fold_rows(m, o, from, a->work, piece, l->whole);
        from = a->work;
        n = piece;
    }
    combine(m, o, a->now, from, n);
}

Lanes reduce_end(Machine *m, int output) {
    const Layout *l = &m->run->layout;
    const Output *o = m->run->program->output + output;
    Accumulator *a = m->accumulator + output;
    Lanes result = a->now;
    for (int level = 0; a->blocks >> level; level++) {
        if (!(a->blocks >> level & 1)) continue;
        combine(m, o, a->level[level], result, l->tile);
        result = a->level[level];
    }
    if (l->cut_reduced) {
        int64_t width = l->whole_reduced ? 1 : l->whole;
        reduce_fold(m, o, result, l->tile / width, width);
    }
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
    tile_store(run, operand, (char *)(intptr_t)m->box[l->inputs + output], from, piece, true);
}
