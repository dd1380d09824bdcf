/* From NumPy's arrays to an iteration space of few dimensions, cut into tiles. */
#include "layout.h"

#include <stdlib.h>
#include <string.h>

/* The start of NumPy's array object, after the object header. Part of NumPy's ABI
 * (PyArrayObject_fields in numpy/ndarraytypes.h); simd.py verifies it at import. */
typedef struct {
    char *data;
    int dims;
    intptr_t *extent, *stride;
    void *base, *type;
    int flags;
} Array;

enum { WRITEABLE = 0x0400 };

enum { FEW_ROWS = 4 }; /* too few in a tile for the lines of a transposed operand */

static int64_t header_size, array_type;

void trueno_set_layout(int64_t header, int64_t type) {
    header_size = header;
    array_type = type;
}

/* The type pointer ends the object header. */
static int64_t type_of(int64_t object) {
    return *(const int64_t *)(object + header_size - (int64_t)sizeof(void *));
}

static const Array *array_fields(int64_t object) {
    return (const Array *)(object + header_size);
}

const void *scalar_value(int64_t object, int64_t type) {
    return type_of(object) == type ? (const void *)(object + header_size) : NULL;
}

int trueno_describe(int64_t object, int64_t *description) {
    const Array *array = array_fields(object);
    if (type_of(object) != array_type || array->dims < 0 || array->dims > MAX_DIMS) return -1;
    *description++ = (intptr_t)array->data;
    *description++ = (intptr_t)array->type;
    for (int d = 0; d < array->dims; d++) *description++ = array->extent[d];
    for (int d = 0; d < array->dims; d++) *description++ = array->stride[d];
    return array->dims;
}

const int64_t *block_objects(const int64_t *block) {
    const int64_t *axes = block + 1 + block[0];
    return axes + 1 + axes[0];
}

/* Strides of an array broadcast to the launch's shape, its extents of 1 dropped. */
static int read_array(Operand *operand, int64_t object, int64_t type, int size,
                      bool written, bool reducing, int dims, const int64_t *shape,
                      const bool *reduced) {
    const Array *array = array_fields(object);
    if (type_of(object) != array_type || (int64_t)(intptr_t)array->type != type) return ERROR_TYPE;
    if (written && !(array->flags & WRITEABLE)) return ERROR_TYPE;
    if (array->dims > dims || (written && array->dims != dims)) return ERROR_SHAPE;
    operand->base = (intptr_t)array->data;
    operand->size = size;
    int missing = dims - array->dims;
    for (int d = 0, to = 0; d < dims; d++) {
        int64_t extent = d < missing ? 1 : array->extent[d - missing];
        bool folded = reducing && reduced[d];
        if (extent != (folded ? 1 : shape[d]) && (written || extent != 1)) return ERROR_SHAPE;
        if (shape[d] > 1) operand->stride[to++] = extent == 1 ? 0 : array->stride[d - missing];
    }
    return 0;
}

static void flip_negative(Layout *l) {
    for (int d = 0; d < l->dims; d++) {
        int64_t stride = 0;
        for (int k = l->operands - 1; k >= 0 && stride == 0; k--)
            if (l->operand[k].size) stride = l->operand[k].stride[d];
        if (stride >= 0) continue;
        for (int k = 0; k < l->operands; k++) {
            l->operand[k].base += (l->extent[d] - 1) * l->operand[k].stride[d];
            l->operand[k].stride[d] = -l->operand[k].stride[d];
        }
    }
}

/* Whether dimension `a`, now inside of `b`, should go outside: decided by the first operand that
 * moves along both, elementwise outputs before inputs, since writes are dearer. */
static bool goes_outside(const Layout *l, const Program *program, int a, int b) {
    if (program->phases && l->reduced[a] != l->reduced[b]) return l->reduced[b];
    for (int pass = 0; pass < 2; pass++) {
        int from = pass ? 0 : l->inputs, to = pass ? l->inputs : l->inputs + l->outputs;
        for (int k = from; k < to; k++) {
            if (!pass && program->output[k - l->inputs].reduces) continue;
            int64_t x = llabs(l->operand[k].stride[a]), y = llabs(l->operand[k].stride[b]);
            if (x && y && x != y) return x > y;
        }
    }
    return false;
}

static void move_dimension(Layout *l, int from, int to) {
    int64_t extent = l->extent[from];
    bool reduced = l->reduced[from];
    memmove(l->extent + to + 1, l->extent + to, (size_t)(from - to) * sizeof extent);
    memmove(l->reduced + to + 1, l->reduced + to, (size_t)(from - to) * sizeof reduced);
    l->extent[to] = extent;
    l->reduced[to] = reduced;
    for (int k = 0; k < l->operands; k++) {
        int64_t *stride = l->operand[k].stride, moved = stride[from];
        memmove(stride + to + 1, stride + to, (size_t)(from - to) * sizeof moved);
        stride[to] = moved;
    }
}

static void sort(Layout *l, const Program *program) {
    for (int d = 1; d < l->dims; d++) {
        int to = d;
        while (to > 0 && goes_outside(l, program, d, to - 1)) to--;
        if (to < d) move_dimension(l, d, to);
    }
}

static bool mergeable(const Layout *l, int d) {
    if (l->reduced[d] != l->reduced[d + 1]) return false;
    for (int k = 0; k < l->operands; k++) {
        const int64_t *stride = l->operand[k].stride;
        if (stride[d] != stride[d + 1] * l->extent[d + 1]) return false;
    }
    return true;
}

static void merge(Layout *l) {
    int last = 0;
    for (int d = 1; d < l->dims; d++) {
        /* bring d next to `last`, then see whether the two are one */
        l->extent[last + 1] = l->extent[d];
        l->reduced[last + 1] = l->reduced[d];
        for (int k = 0; k < l->operands; k++)
            l->operand[k].stride[last + 1] = l->operand[k].stride[d];
        if (!mergeable(l, last)) {
            last++;
            continue;
        }
        l->extent[last] *= l->extent[last + 1];
        for (int k = 0; k < l->operands; k++)
            l->operand[k].stride[last] = l->operand[k].stride[last + 1];
    }
    if (l->dims) l->dims = last + 1;
}

/* A single step from arrays to an array needs no tile buffer: its tiles may be long. */
static bool needs_no_buffer(const Layout *l, const Program *p) {
    if (l->dims != 1 || p->phases || p->steps != 1 || p->consts || p->outputs != 1 ||
        p->output[0].reduces || p->output[0].checked || p->output[0].producer != 0)
        return false;
    for (int k = 0; k < l->operands - 1; k++)
        if (l->operand[k].stride[0] != l->operand[k].size ||
            l->operand[k].base % l->operand[k].size)
            return false;
    return l->extent[0] * p->output[0].size <= STREAM_BYTES;
}

/* Whether an operand is contiguous along dimension `d` and has jumps along the last. */
static bool crosses(const Layout *l, const Operand *operand, int d) {
    int64_t last = operand->stride[l->dims - 1];
    return operand->stride[d] == operand->size && last != operand->size && last != 0;
}

/* Whether that holds of an input of a program without reductions. */
static bool transposed(const Layout *l, const Program *program, int d) {
    bool found = false;
    for (int k = 0; k < l->inputs; k++) found = found || crosses(l, l->operand + k, d);
    for (int k = 0; k < l->outputs; k++) found = found && !program->output[k].reduces;
    return found;
}

/* Takes whole inner dimensions of one kind while they fit, then a piece of the next. */
static void cut(Layout *l, const Program *program) {
    int d = l->dims;
    int64_t fitting = program->widest > 8 ? TILE_BYTES / program->widest : TILE;
    int64_t longest = needs_no_buffer(l, program) ? LONG_TILE : fitting;
    l->whole = 1;
    while (d > 0 && l->reduced[d - 1] == l->reduced[l->dims - 1] &&
           l->whole * l->extent[d - 1] <= longest)
        l->whole *= l->extent[--d];
    l->whole_from = d;
    l->cut = d - 1;
    l->piece = l->pieces = 1;
    if (d > 0) {
        int64_t extent = l->extent[d - 1], most = longest / l->whole;
        if (most < FEW_ROWS && l->whole > 1 && transposed(l, program, d - 1)) most = 1;
        l->pieces = (extent + most - 1) / most;
        l->piece = (extent + l->pieces - 1) / l->pieces;
        if (l->whole == 1) { /* pieces of equal length, that keep the rows' alignment */
            l->piece = (l->piece + 63) / 64 * 64;
            l->pieces = (extent + l->piece - 1) / l->piece;
        }
    }
    l->tile = l->whole * l->piece;
    l->cut_reduced = d > 0 && l->reduced[d - 1];
    l->whole_reduced = d < l->dims ? l->reduced[d] : l->cut_reduced;
    l->loops = l->kept_loops = 0;
    l->kept_tiles = l->reduced_tiles = 1;
    for (int kind = 0; kind < 2; kind++) {
        for (int e = 0; e < d; e++) {
            if (l->reduced[e] != kind) continue;
            l->loop[l->loops++] = e;
            *(kind ? &l->reduced_tiles : &l->kept_tiles) *= loop_count(l, e);
        }
        if (kind == 0) l->kept_loops = l->loops;
    }
}

static Mode mode_in_tile(const Layout *l, const Operand *operand) {
    bool dense = operand->base % operand->size == 0, scalar = true;
    int64_t expected = operand->size;
    for (int d = l->dims - 1; d >= 0; d--) {
        int64_t stride = operand->stride[d];
        if (stride % operand->size) dense = false;
        if (d < l->cut || (d == l->cut && l->piece == 1)) continue;
        if (stride != expected) dense = false;
        if (stride != 0) scalar = false;
        expected *= l->extent[d];
    }
    return scalar && l->tile > 1 ? SCALAR : dense ? DENSE : STRIDED;
}

/* Looks for a dimension that operands are contiguous along but of which tiles hold one step. */
static void choose_panel(Layout *l, const Program *program) {
    l->panel = -1;
    for (int i = 0; i < l->loops && l->panel < 0 && !program->phases; i++) {
        int d = l->loop[i];
        if ((d == l->cut && l->piece > 1) || !transposed(l, program, d)) continue;
        memmove(l->loop + i, l->loop + i + 1, (size_t)(l->loops - i - 1) * sizeof *l->loop);
        l->loop[l->loops - 1] = l->panel = d;
    }
    for (int k = 0; k < l->inputs && l->panel >= 0; k++)
        if (l->operand[k].mode == STRIDED && crosses(l, l->operand + k, l->panel))
            l->operand[k].mode = PANEL;
}

/* The index of a point among the reduced axes, in C order, is an operand as well: one whose
 * "address" is the index. */
static void set_index_strides(Operand *operand, int dims, const int64_t *shape,
                              const bool *reduced, bool wanted) {
    int64_t step = 1, strides[MAX_DIMS];
    for (int d = dims - 1; d >= 0; d--) {
        strides[d] = reduced[d] && wanted ? step : 0;
        if (reduced[d]) step *= shape[d];
    }
    operand->base = 0;
    operand->size = 0;
    for (int d = 0, to = 0; d < dims; d++)
        if (shape[d] > 1) operand->stride[to++] = strides[d];
}

static bool index_ascends(const Layout *l) {
    int64_t expected = 1;
    for (int d = l->dims - 1; d >= 0; d--) {
        if (!l->reduced[d]) continue;
        if (l->operand[l->operands - 1].stride[d] != expected) return false;
        expected *= l->extent[d];
    }
    return l->cut_reduced && l->whole_reduced;
}

int layout_make(Layout *l, const Program *program, const int64_t *block) {
    int dims = (int)block[0];
    const int64_t *shape = block + 1, *objects = block_objects(block);
    l->operand = NULL;
    if (block[0] < 0 || dims > MAX_DIMS || shape[dims] < 0 || shape[dims] > dims)
        return ERROR_SHAPE;
    bool reduced[MAX_DIMS] = {false};
    for (int i = 0; i < shape[dims]; i++) {
        int64_t axis = shape[dims + 1 + i];
        if (axis < 0 || axis >= dims) return ERROR_SHAPE;
        reduced[axis] = true;
    }
    l->inputs = program->inputs;
    l->outputs = program->outputs;
    l->operands = l->inputs + l->outputs + 1;
    size_t row = (size_t)(dims + 1) * sizeof(int64_t);
    l->operand = malloc((size_t)l->operands * (sizeof(Operand) + row));
    if (!l->operand) return ERROR_MEMORY;
    for (int k = 0; k < l->operands; k++)
        l->operand[k].stride = (int64_t *)((char *)(l->operand + l->operands) + (size_t)k * row);

    l->dims = 0;
    for (int d = 0; d < dims; d++) {
        if (shape[d] < 1) return ERROR_SHAPE;
        if (shape[d] == 1) continue;
        l->extent[l->dims] = shape[d];
        l->reduced[l->dims++] = reduced[d];
    }
    for (int k = 0; k < l->inputs + l->outputs; k++) {
        bool written = k >= l->inputs;
        const Output *output = written ? program->output + k - l->inputs : NULL;
        int error = read_array(l->operand + k, objects[k],
                               written ? output->type : program->input[k].type,
                               written ? output->size : program->input[k].size, written,
                               written && output->reduces, dims, shape, reduced);
        if (error) return error;
    }
    bool picks = false;
    for (int k = 0; k < program->outputs; k++) picks = picks || program->output[k].pick;
    set_index_strides(l->operand + l->operands - 1, dims, shape, reduced, picks);
    flip_negative(l);
    sort(l, program);
    merge(l);
    cut(l, program);
    if (program->phases && !l->whole_reduced) return ERROR_SHAPE;
    l->ascending = index_ascends(l);
    for (int k = 0; k < l->operands - 1; k++)
        l->operand[k].mode = mode_in_tile(l, l->operand + k);
    choose_panel(l, program);
    return 0;
}

int64_t layout_locate(const Layout *l, int from, int to, int64_t number, int64_t *address,
                      int64_t piece) {
    for (int i = to - 1; i >= from; i--) {
        int d = l->loop[i];
        int64_t count = loop_count(l, d), start = loop_start(l, d, number % count);
        number /= count;
        for (int k = 0; k < l->operands; k++) address[k] += start * l->operand[k].stride[d];
        if (d == l->cut) piece = l->extent[d] - start < l->piece ? l->extent[d] - start : l->piece;
    }
    return piece;
}

int64_t layout_locate_box(const Layout *l, int64_t box, int64_t *address) {
    for (int k = 0; k < l->operands; k++) address[k] = l->operand[k].base;
    return layout_locate(l, 0, l->kept_loops, box, address, l->piece);
}

void layout_free(Layout *l) {
    free(l->operand);
}
