#include "split.h"

#include <stdatomic.h>

#include "threads.h"

typedef struct {
    int64_t n, grain;
    void (*work)(void *context, int64_t from, int64_t to);
    void *context;
    atomic_llong next;
} Split;

static void take_parts(void *context) {
    Split *s = context;
    for (;;) {
        int64_t from = atomic_fetch_add(&s->next, s->grain);
        if (from >= s->n) return;
        s->work(s->context, from, s->n - from < s->grain ? s->n : from + s->grain);
    }
}

void split_among(int threads, int64_t n, int64_t grain,
                 void (*work)(void *context, int64_t from, int64_t to), void *context) {
    if (n <= 0) return;
    Split s = {.n = n, .grain = grain, .work = work, .context = context};
    int64_t parts = (n - 1) / grain + 1;
    threads_run((int)(parts < threads ? parts : threads), take_parts, &s);
}

void split(int64_t n, int64_t grain, void (*work)(void *context, int64_t from, int64_t to),
           void *context) {
    split_among(threads_count(), n, grain, work, context);
}
