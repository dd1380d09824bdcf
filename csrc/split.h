/* Work on a range of numbers, shared among the threads of the pool. */
#ifndef TRUENO_SPLIT_H
#define TRUENO_SPLIT_H

#include <stdint.h>

/* Calls work(context, from, to) for parts that cover [0, n), each of `grain` numbers at most, from
 * several threads at a time. Parts are the same for any number of threads; their order is not. */
void split(int64_t n, int64_t grain, void (*work)(void *context, int64_t from, int64_t to),
           void *context);
/* On so many threads at most. */
void split_among(int threads, int64_t n, int64_t grain,
                 void (*work)(void *context, int64_t from, int64_t to), void *context);

#endif
