#include "memory.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

enum { KEPT = 32, LINE = 64 };
#define LARGEST_KEPT ((size_t)4 << 20)

typedef struct {
    size_t bytes;
} Header; /* in the cache line before the block */

static _Atomic(Header *) kept[KEPT];

/* Takes any kept block and, if it is too small, makes one that fits in its place. Slots are only
 * ever exchanged whole, so that neither threads nor a fork can see one half changed. */
void *scratch_take(size_t bytes) {
    Header *header = NULL;
    for (int i = 0; i < KEPT && !header; i++)
        if (atomic_load_explicit(&kept[i], memory_order_relaxed))
            header = atomic_exchange(&kept[i], NULL);
    if (header && header->bytes < bytes) {
        free(header);
        header = NULL;
    }
    if (!header) {
        size_t total = (bytes + 2 * LINE - 1) / LINE * LINE;
        if (total < bytes) return NULL;
        header = aligned_alloc(LINE, total);
        if (!header) return NULL;
        header->bytes = total - LINE;
    }
    return (char *)header + LINE;
}

void scratch_give(void *memory) {
    if (!memory) return;
    Header *header = (Header *)((char *)memory - LINE);
    for (int i = 0; i < KEPT && header->bytes <= LARGEST_KEPT; i++) {
        Header *empty = NULL;
        if (atomic_compare_exchange_strong(&kept[i], &empty, header)) return;
    }
    free(header);
}
