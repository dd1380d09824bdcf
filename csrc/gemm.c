/* Stacks of matrix products, too small for BLAS to share among threads: whole ones by each thread.
 *
 * The depth is cut into blocks, of which a tile's rows of a stay in the first cache level (Goto and
 * van de Geijn 2008). Columns of b are read where they lie; those that are not contiguous, and many
 * that meet many rows, are packed in panels as wide as a tile. */
#include <stdatomic.h>
#include <string.h>

#include "fpstate.h"
#include "memory.h"
#include "split.h"
#include "trueno.h"

enum {
    PACKED = 1 << 18,     /* bytes of panels that a thread packs at a time */
    GRAIN = 1 << 16,      /* multiplications that pay for a part */
    MANY_ROWS = 64,       /* that pay for packing */
};

typedef struct {
    const Gemm *g;
    int64_t size, width;  /* bytes an element; columns of a panel */
    atomic_int conditions, failed;
} Work;

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* Some columns of b side by side, `depth` rows of them; the last one fills up the vectors. */
static void pack_panel(const Work *w, char *to, const char *b, int64_t depth, int64_t columns) {
    const Gemm *g = w->g;
    int64_t size = w->size, pitch = w->width * size, bytes = columns * size;
    int64_t vector = trueno_kernels->vector, end = (bytes + vector - 1) / vector * vector;
    if (g->b_k == 1 && g->b_column != 1)
        trueno_kernels->transpose(to, pitch, b, g->b_column * size, (int)size, depth, columns);
    for (int64_t k = 0; k < depth; k++, to += pitch) {
        const char *from = b + k * g->b_k * size;
        if (g->b_column == 1)
            memcpy(to, from, (size_t)bytes);
        else if (g->b_k != 1)
            trueno_kernels->gather(to, from, (int)size, 1, 0, columns, g->b_column * size);
        for (int64_t at = bytes; at < end; at += size)
            memcpy(to + at, to + bytes - size, (size_t)size);
    }
}

/* The product number `at` of a part that ends before `end`. */
static void multiply_one(const Work *w, int64_t at, int64_t end, char *scratch) {
    const Gemm *g = w->g;
    int64_t size = w->size, width = w->width, lanes = trueno_kernels->vector / size;
    int64_t most_depth = GEMM_DEPTH / size;
    int64_t chunk = most(1, PACKED / (GEMM_DEPTH * width)) * width;
    bool packs = g->b_column != 1 || g->m >= MANY_ROWS;
    const char *a = (const char *)g->a + at * g->a_step * size;
    const char *b = (const char *)g->b + at * g->b_step * size;
    char *c = (char *)g->out + at * g->m * g->n * size;
    /* Vectors that reach over the end of a row read the next ones of the stack. */
    int64_t behind = g->b_k >= g->n && g->b_step >= 0 ? (g->count - 1 - at) * g->b_step : 0;
    for (int64_t column = 0; column < g->n; column += chunk)
        for (int64_t from = 0; from < g->k; from += most_depth) {
            int64_t depth = least(most_depth, g->k - from), columns = least(chunk, g->n - column);
            const char *block = b + (from * g->b_k + column * g->b_column) * size;
            GemmBlock p = {
                .a = a + from * g->a_k * size, .a_row = g->a_row, .a_k = g->a_k,
                .b = packs ? scratch : block,
                .b_panel = packs ? width * depth : width, .b_k = packs ? width : g->b_k,
                .depth = depth, .rows = g->m, .columns = columns,
                .c = c + column * size, .c_row = g->n, .add = from > 0,
                .spill = g->n <= width && depth == g->k ? (end - at) * g->m * g->n : 0,
            };
            for (int64_t i = 0; packs && i < columns; i += width)
                pack_panel(w, scratch + i * depth * size, block + i * g->b_column * size, depth,
                           least(width, columns - i));
            int64_t over = (lanes - columns % lanes) % lanes, last = (columns - 1) / width * width;
            if (!packs && over > behind) {
                pack_panel(w, scratch, block + last * size, depth, columns - last);
                p.tail = scratch;
            }
            trueno_kernels->gemm[g->dtype](&p);
        }
}

static void multiply_part(void *context, int64_t from, int64_t to) {
    Work *w = context;
    char *scratch = scratch_take((size_t)(PACKED + GEMM_DEPTH * w->width));
    if (!scratch) {
        atomic_store(&w->failed, 1);
        return;
    }
    FpState state = fp_enter();
    for (int64_t i = from; i < to; i++) multiply_one(w, i, to, scratch);
    int conditions = fp_take();
    fp_leave(state);
    if (conditions) atomic_fetch_or(&w->conditions, conditions);
    scratch_give(scratch);
}

int trueno_gemm(const Gemm *g) {
    if (g->dtype < 0 || g->dtype >= DTYPES || !trueno_kernels->gemm[g->dtype]) return ERROR_TYPE;
    Work w = {.g = g, .size = g->dtype == D_f32 ? 4 : 8};
    w.width = trueno_kernels->gemm_panel / w.size;
    int64_t work = g->m * g->k * g->n;
    if (work > 0) split(g->count, GRAIN / work + 1, multiply_part, &w);
    return w.failed ? ERROR_MEMORY : w.conditions;
}
