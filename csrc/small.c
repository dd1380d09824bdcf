/* Stacks of small matrix products, shared among the threads. */
#include "split.h"
#include "trueno.h"

typedef struct {
    const char *a, *b;
    char *out;
    int64_t a_step, b_step, m, k, n; /* steps from one matrix to the next, in elements */
    int dtype, size;
} Stack;

static void multiply_part(void *context, int64_t from, int64_t to) {
    const Stack *s = context;
    trueno_kernels->small[s->dtype](s->a + from * s->a_step * s->size, s->a_step,
                                    s->b + from * s->b_step * s->size, s->b_step,
                                    s->out + from * s->m * s->n * s->size, to - from,
                                    s->m, s->k, s->n);
}

int trueno_small_products(int dtype, int64_t a, int64_t a_step, int64_t b, int64_t b_step,
                          int64_t out, int64_t count, int64_t m, int64_t k, int64_t n) {
    enum { GRAIN = 1 << 16 }; /* multiplications that pay for a part */
    if ((dtype != D_f32 && dtype != D_f64) || k > SMALL || n > SMALL) return ERROR_TYPE;
    Stack s = {(const char *)a, (const char *)b, (char *)out, a_step, b_step, m, k, n,
               dtype, dtype == D_f32 ? 4 : 8};
    split(count, GRAIN / (m * k * n) + 1, multiply_part, &s);
    return 0;
}
