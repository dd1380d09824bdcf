/* The loops that move, find and order elements: compiled once an instruction set, as kernels.c is,
 * and used by the routines (compact.c, gather.c, sort.c). Elements are bytes of one of five sizes,
 * whatever they mean; SIZE_INDEX gives a size's place in the tables, or -1. */
#ifndef TRUENO_MOVES_H
#define TRUENO_MOVES_H

#include <stdint.h>

enum { SIZES = 5 };

static inline int SIZE_INDEX(int64_t bytes) {
    return bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : bytes == 8 ? 3 : bytes == 16 ? 4 : -1;
}

/* Where to look things up by index arrays. An index below zero counts from the end; one out of
 * bounds counts as `bad`, wraps round, or becomes the nearest in bounds, as `mode` says. */
typedef struct {
    const int64_t *index[8];
    int64_t length[8];  /* of the indexed axis */
    int64_t stride[8];  /* and its step in bytes */
    int axes;
    int mode;           /* 0 raise, 1 wrap, 2 clip */
} Places;

/* The byte offsets of places [from, from + n); gives whether an index was out of bounds, in which
 * case its offset is one in bounds. */
typedef int Resolve(const Places *places, int64_t from, int64_t n, int64_t *offsets);

/* How elements of a dtype are ordered: by keys, unsigned numbers of `size` bytes.
 * digits:  byte `shift / 8` of each key, xor `flip`
 * ordered: whether no key is followed by a smaller one, or, if `flip`, by a greater one
 * records: each key with its number, from `first` on: 8 bytes, or 16 if the key itself has 8 */
typedef struct {
    void (*digits)(const void *in, int64_t n, int shift, uint8_t flip, uint8_t *out);
    int (*ordered)(const void *in, int64_t n, int flip);
    void (*records)(const void *in, int64_t n, uint64_t first, uint64_t *out);
    int size;
} Keys;

/* Where a digit's next element goes, and the cache line that it gathers in meanwhile. */
typedef struct {
    _Alignas(64) char line[64];
    int64_t begin, at;
} Bucket;

typedef struct {
    int64_t (*count)(const uint8_t *mask, int64_t n);
    /* Moves what lies under the `count` nonzero bytes of the mask together; writes nothing else. */
    void (*compress[SIZES])(const char *in, const uint8_t *mask, int64_t n, char *out,
                            int64_t count);
    /* The inverse: what lies under zeros stays. `in` goes on by `step` elements (0 or 1). */
    void (*expand[SIZES])(const char *in, const uint8_t *mask, int64_t n, char *out, int64_t step);
    /* Of each nonzero byte i: out[0] = first + i; `out` then steps on. */
    void (*positions)(const uint8_t *mask, int64_t n, int64_t first, int64_t *out, int64_t step,
                      int64_t count);
    Resolve *resolve;
    void (*gather[SIZES])(const char *in, const int64_t *offsets, int64_t n, char *out);
    Keys keys[DTYPES];
    void (*record_digits[2])(const void *in, int64_t n, int shift, uint8_t flip, uint8_t *out);
    void (*numbers[2])(const void *in, int64_t n, int64_t *out);
    void (*tally)(const uint8_t *digits, int64_t n, int64_t *counts);
    void (*scatter_near[SIZES])(const void *in, const uint8_t *digits, int64_t n, void *out,
                                int64_t *at);
    void (*scatter_far[SIZES])(const void *in, const uint8_t *digits, int64_t n, void *out,
                               Bucket *buckets);
    void (*flush[SIZES])(void *out, Bucket *buckets);
} Moves;

#endif
