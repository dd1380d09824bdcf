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
} Moves;

#endif
