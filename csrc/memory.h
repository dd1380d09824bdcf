/* Working memory of launches: kept between them, so that its pages are mapped and warm. */
#ifndef TRUENO_MEMORY_H
#define TRUENO_MEMORY_H

#include <stddef.h>

/* At least `bytes` bytes, aligned to a cache line, or NULL. */
void *scratch_take(size_t bytes);
void scratch_give(void *memory);

#endif
