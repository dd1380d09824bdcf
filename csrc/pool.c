/* Pooling, lines of the result shared among the threads. */
#include <stdatomic.h>

#include "memory.h"
#include "split.h"
#include "trueno.h"

typedef struct {
    const Pool *p;
    size_t bytes; /* of the columns folded for one line */
    atomic_int failed;
} Lines;

static void pool_lines(void *context, int64_t from, int64_t to) {
    Lines *w = context;
    const Pool *p = w->p;
    void *scratch = scratch_take(w->bytes);
    if (!scratch) {
        atomic_store(&w->failed, 1);
        return;
    }
    for (int64_t i = from; i < to; i++)
        trueno_kernels->pool[p->counts[0] != 0][p->dtype](p, i / p->result[0], i % p->result[0],
                                                          scratch);
    scratch_give(scratch);
}

int trueno_pool(const Pool *p) {
    enum { GRAIN = 1 << 15 }; /* elements that pay for a part */
    if (p->dtype != D_f32 && p->dtype != D_f64) return ERROR_TYPE;
    int64_t columns = (p->result[1] - 1) * p->stride[1] + (p->kernel[1] - 1) * p->dilation[1] + 1;
    if (columns < p->pad[1] + p->size[1]) columns = p->pad[1] + p->size[1];
    Lines w = {.p = p, .bytes = (size_t)columns * 8};
    split(p->planes * p->result[0], GRAIN / (columns * p->kernel[0]) + 1, pool_lines, &w);
    return w.failed ? ERROR_MEMORY : 0;
}
