/* Convolution as a matrix product: weights times the elements that each tap of the kernel meets.
 *
 * A part of the result's positions is computed at a time. What its taps meet is copied to planes,
 * padding included, in which a tap's elements lie side by side: the product reads them there
 * without any index (an implicit form of "im2col", Chellapilla et al. 2006). An axis is *shared* if
 * all taps of one phase modulo the stride read one plane, moved by an offset; else each has its own
 * plane, whose lines hold no element more than the result's. */
#include <stdatomic.h>
#include <string.h>

#include "memory.h"
#include "split.h"
#include "threads.h"
#include "trueno.h"

enum {
    DEPTH = 576,            /* factors in one part of the depth: a panel of them stays in L1 */
    PLANES = 384 << 10,     /* bytes of planes that stay in L2 beside the weights */
    SLACK = 64 * 4,         /* bytes read past the last position */
    WORTH = 1 << 18,        /* multiplications that pay for sharing out */
};

typedef struct {
    int64_t stride, dilation, taps;
    int64_t count;          /* positions along the axis */
    bool shared;
    int64_t planes, length; /* and elements of one along the axis */
} Axis;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t ceiling(int64_t a, int64_t b) { return (a + b - 1) / b; }

/* Planes that are needed if taps share them. */
static int64_t phases(const Axis *a) {
    return a->taps == 1 || a->dilation % a->stride == 0 ? 1 : a->stride;
}

/* Elements along the axis of a plane that all taps share. */
static int64_t reach(const Axis *a) { return a->count + (a->taps - 1) * a->dilation / a->stride; }

static void set_shared(Axis *a, bool shared) {
    a->shared = shared;
    a->planes = shared ? phases(a) : a->taps;
    a->length = shared ? reach(a) : a->count;
}

static int64_t plane_of(const Axis *a, int64_t tap) {
    return a->shared ? tap * a->dilation % a->stride : tap;
}

static int64_t offset_of(const Axis *a, int64_t tap) {
    return a->shared ? tap * a->dilation / a->stride : 0;
}

static int64_t origin_of(const Axis *a, int64_t plane) {
    return a->shared ? plane : plane * a->dilation;
}

typedef struct {
    const Conv *c;
    int size;                     /* bytes an element */
    int64_t positions[2];         /* of a block, along each axis */
    int64_t blocks[2];
    int64_t rows, row_parts;      /* rows of weights in one part of them */
    int64_t chunk;                /* channels in one part of the depth */
    int64_t depth;                /* factors of all channels */
    const char *weights;          /* packed */
    void (*product)(const Product *);
    atomic_int failed;
} Work;

static void set_axes(const Work *w, const int64_t *count, Axis *axis) {
    const Conv *c = w->c;
    for (int i = 0; i < 2; i++)
        axis[i] = (Axis){c->stride[i], c->dilation[i], c->kernel[i], count[i], false, 0, 0};
    Axis *y = axis, *x = axis + 1;
    set_shared(y, phases(y) * reach(y) <= y->taps * y->count);
    /* One line has no gaps; between several, the shared elements past the last position are
     * computed in vain. */
    set_shared(x, y->count == 1 ? phases(x) * reach(x) <= x->taps * x->count
                                : reach(x) * 8 <= x->count * 9);
}

static int64_t plane_size(const Axis *axis) {
    return axis[0].planes * axis[0].length * axis[1].planes * axis[1].length;
}

/* Every `stride`th element of a line from `start` on, zeros where the line has none. */
static void copy_line(char *to, const char *line, int64_t size, int64_t width, int64_t start,
                      int64_t stride, int64_t count) {
    int64_t before = least(count, start < 0 ? ceiling(-start, stride) : 0);
    int64_t first = start + before * stride;
    int64_t inside = first < width ? least(count - before, ceiling(width - first, stride)) : 0;
    memset(to, 0, (size_t)(before * size));
    to += before * size;
    if (stride == 1)
        memcpy(to, line + first * size, (size_t)(inside * size));
    else if (inside)
        trueno_kernels->gather(to, line + first * size, (int)size, 1, 0, inside, stride * size);
    memset(to + inside * size, 0, (size_t)((count - before - inside) * size));
}

/* One channel's planes: all of a block's elements, plane by plane. */
static void copy_planes(const Work *w, char *to, const char *image, const Axis *axis,
                        const int64_t *at) {
    const Conv *c = w->c;
    const Axis *y = axis, *x = axis + 1;
    int64_t line_bytes = x->length * w->size;
    for (int64_t p = 0; p < y->planes; p++)
        for (int64_t q = 0; q < x->planes; q++)
            for (int64_t i = 0; i < y->length; i++, to += line_bytes) {
                int64_t line = (at[0] + i) * y->stride + origin_of(y, p) - c->pad[0];
                int64_t start = at[1] * x->stride + origin_of(x, q) - c->pad[1];
                if (line < 0 || line >= c->size[0])
                    memset(to, 0, (size_t)line_bytes);
                else
                    copy_line(to, image + line * c->size[1] * w->size, w->size, c->size[1],
                              start, x->stride, x->length);
            }
}

static void set_taps(int64_t *taps, int64_t channels, const Axis *axis) {
    const Axis *y = axis, *x = axis + 1;
    int64_t size = plane_size(axis), k = 0;
    for (int64_t channel = 0; channel < channels; channel++)
        for (int64_t i = 0; i < y->taps; i++)
            for (int64_t j = 0; j < x->taps; j++) {
                int64_t plane = plane_of(y, i) * x->planes + plane_of(x, j);
                int64_t line = plane * y->length + offset_of(y, i);
                taps[k++] = channel * size + line * x->length + offset_of(x, j);
            }
}

/* One block of positions, of one image, group and part of the rows. */
static void convolve_block(Work *w, int64_t image, int64_t group, int64_t part, const int64_t *at) {
    const Conv *c = w->c;
    int64_t count[2], taps_a_channel = c->kernel[0] * c->kernel[1];
    for (int i = 0; i < 2; i++) count[i] = least(w->positions[i], c->result[i] - at[i]);
    Axis axis[2];
    set_axes(w, count, axis);
    int64_t size = w->size, area = plane_size(axis), result = c->result[0] * c->result[1];
    int64_t plane_bytes = ceiling(w->chunk * area * size + SLACK, 64) * 64;
    int64_t tap_bytes = ceiling(w->chunk * taps_a_channel * 8, 64) * 64;
    int64_t sums = trueno_kernels->panel * STRIP * size;
    char *scratch = scratch_take((size_t)(plane_bytes + tap_bytes + sums));
    if (!scratch) {
        atomic_store(&w->failed, 1);
        return;
    }
    int64_t *taps = (int64_t *)(scratch + plane_bytes);
    set_taps(taps, least(w->chunk, c->channels), axis);
    int64_t row = part * w->rows, all_rows = c->groups * c->rows;
    Product p = {
        .weights = w->weights + group * c->rows * w->depth * size,
        .planes = scratch,
        .taps = taps,
        .whole_depth = w->depth,
        .row = row,
        .row_end = least(row + w->rows, c->rows),
        .lines = count[0],
        .width = count[1],
        .line_pitch = axis[1].length,
        .out = (char *)c->out + (image * all_rows + group * c->rows) * result * size +
               (at[0] * c->result[1] + at[1]) * size,
        .row_stride = result,
        .line_stride = c->result[1],
        .sums = scratch + plane_bytes + tap_bytes,
    };
    const char *x = (const char *)c->x +
                    (image * c->groups + group) * c->channels * c->size[0] * c->size[1] * size;
    for (int64_t channel = 0; channel < c->channels; channel += w->chunk) {
        int64_t channels = least(w->chunk, c->channels - channel);
        for (int64_t i = 0; i < channels; i++)
            copy_planes(w, scratch + i * area * size,
                        x + (channel + i) * c->size[0] * c->size[1] * size, axis, at);
        memset(scratch + channels * area * size, 0, SLACK);
        p.first = channel == 0;
        p.from = channel * taps_a_channel;
        p.depth = channels * taps_a_channel;
        if (c->bias && channel + channels == c->channels)
            p.bias = (const char *)c->bias + group * c->rows * size;
        w->product(&p);
    }
    scratch_give(scratch);
}

static void convolve_parts(void *context, int64_t from, int64_t to) {
    Work *w = context;
    for (int64_t unit = from; unit < to; unit++) {
        int64_t rest = unit, at[2];
        int64_t part = rest % w->row_parts;
        rest /= w->row_parts;
        at[1] = rest % w->blocks[1] * w->positions[1];
        rest /= w->blocks[1];
        at[0] = rest % w->blocks[0] * w->positions[0];
        rest /= w->blocks[0];
        convolve_block(w, rest / w->c->groups, rest % w->c->groups, part, at);
    }
}

/* Panels of rows, side by side, so that the product reads the weights in one stream. */
static void pack(void *context, int64_t from, int64_t to) {
    Work *w = context;
    const Conv *c = w->c;
    int64_t panels = ceiling(c->rows, trueno_kernels->panel), bytes = w->depth * w->size;
    for (int64_t i = from; i < to; i++) {
        int64_t row = i % panels * trueno_kernels->panel, first = i / panels * c->rows;
        int64_t left = least(c->rows - row, trueno_kernels->panel);
        for (int64_t rows = trueno_kernels->panel; left; left -= rows, row += rows) {
            while (rows > left) rows /= 2;
            int64_t start = (first + row) * bytes;
            trueno_kernels->gather((char *)w->weights + start, (const char *)c->weight + start,
                                   w->size, w->depth, w->size, rows, bytes);
        }
    }
}

/* Blocks as large as the planes may be, and as many as there are threads to feed. */
static int64_t set_blocks(Work *w) {
    const Conv *c = w->c;
    int64_t taps = c->kernel[0] * c->kernel[1], images = c->batch * c->groups;
    w->depth = c->channels * taps;
    w->chunk = least(c->channels, most(1, DEPTH / taps));
    int64_t room = most(1, PLANES / w->size / w->chunk);
    w->positions[0] = 1;
    w->positions[1] = least(c->result[1], 192);
    Axis axis[2];
    while (w->positions[1] < c->result[1]) {
        int64_t wider[2] = {1, least(w->positions[1] * 2, c->result[1])};
        set_axes(w, wider, axis);
        if (plane_size(axis) > room) break;
        w->positions[1] = wider[1];
    }
    while (w->positions[1] == c->result[1] && w->positions[0] < c->result[0]) {
        int64_t taller[2] = {w->positions[0] + 1, w->positions[1]};
        set_axes(w, taller, axis);
        if (plane_size(axis) > room) break;
        w->positions[0] = taller[0];
    }
    w->blocks[0] = ceiling(c->result[0], w->positions[0]);
    w->positions[0] = ceiling(c->result[0], w->blocks[0]);
    w->blocks[1] = ceiling(c->result[1], w->positions[1]);
    w->rows = c->rows;
    int64_t units = images * w->blocks[0] * w->blocks[1];
    int64_t work = w->depth * w->positions[0] * w->positions[1];
    int64_t panel = trueno_kernels->panel;
    int64_t wanted = 2 * threads_count();
    while (units * ceiling(c->rows, w->rows) < wanted && w->rows > panel && work * w->rows > WORTH)
        w->rows = ceiling(ceiling(w->rows, 2), panel) * panel;
    w->row_parts = ceiling(c->rows, w->rows);
    return units * w->row_parts;
}

/* Where one element of the input makes one of the result, they form one line. */
static Conv flattened(Conv c) {
    bool simple = c.size[0] == c.result[0] && c.size[1] == c.result[1];
    for (int i = 0; i < 2; i++) simple &= c.kernel[i] == 1 && c.stride[i] == 1 && c.pad[i] == 0;
    if (simple) {
        c.size[1] = c.result[1] = c.size[0] * c.size[1];
        c.size[0] = c.result[0] = 1;
    }
    return c;
}

int trueno_convolve(const Conv *given) {
    static const int sizes[DTYPES] = {1, 1, 2, 4, 8, 1, 2, 4, 8, 2, 4, 8};
    Conv flat = flattened(*given), *c = &flat;
    if (c->dtype < 0 || c->dtype >= DTYPES || !trueno_kernels->product[c->dtype]) return ERROR_TYPE;
    Work w = {.c = c, .size = sizes[c->dtype], .product = trueno_kernels->product[c->dtype]};
    int64_t units = set_blocks(&w), rows = c->groups * c->rows;
    char *weights = scratch_take((size_t)(rows * w.depth * w.size));
    if (!weights) return ERROR_MEMORY;
    w.weights = weights;
    int64_t panels = c->groups * ceiling(c->rows, trueno_kernels->panel);
    split(panels, most(1, WORTH / (w.depth * trueno_kernels->panel)), pack, &w);
    int64_t work = w.depth * w.rows * w.positions[0] * w.positions[1];
    split(units, most(1, WORTH / work), convolve_parts, &w);
    scratch_give(weights);
    return w.failed ? ERROR_MEMORY : 0;
}
