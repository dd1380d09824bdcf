/* A launch's iteration space: ordered and merged dimensions, cut into tiles. */
#ifndef TRUENO_LAYOUT_H
#define TRUENO_LAYOUT_H

#include "trueno.h"

/* Results larger than this (the last-level cache, or half of it) are written past the cache. */
#define STREAM_BYTES ((int64_t)32 << 20)

enum { LONG_TILE = 8 * TILE };

/* Of a transposed operand, what one tile reads of a cache line is little: so several tiles are
 * brought in at once, a panel, of this many bytes along the contiguous dimension. */
enum { PANEL_BYTES = 128 };

typedef enum { DENSE, SCALAR, STRIDED, PANEL } Mode;

typedef struct {
    intptr_t base;    /* address of the first element; of the index operand, its value */
    int64_t *stride;  /* bytes a step along each dimension */
    int32_t size;     /* bytes an element */
    Mode mode;        /* how a tile of it lies in memory */
} Operand;

/* A tile holds the dimensions from `whole_from` on wholly, and `piece` steps of the one before,
 * the cut dimension (-1 if there is none). Each of the two parts is either kept or reduced. */
typedef struct {
    int dims, operands, inputs, outputs;
    int64_t extent[MAX_DIMS];
    bool reduced[MAX_DIMS];
    Operand *operand;    /* inputs, outputs, then the index within the reduced axes */
    int cut, whole_from;
    bool cut_reduced, whole_reduced;
    int64_t whole, piece, pieces;
    int64_t tile;        /* elements in a full tile */
    bool ascending;      /* within a tile the index rises by 1 an element, and from tile to tile */
    int panel;           /* the dimension that panels go along, which is looped over first; or -1 */
    int loops, kept_loops;
    int loop[MAX_DIMS];  /* dimensions iterated tile by tile, the kept ones before the reduced */
    int64_t kept_tiles, reduced_tiles;
} Layout;

/* Reads the operands of a launch. Gives 0 or an error; layout_free releases it in either case. */
int layout_make(Layout *layout, const Program *program, const int64_t *block);
void layout_free(Layout *layout);

/* Adds to each operand's address the place of tile `number` in a range of loops. Gives the number
 * of steps along the cut dimension if it is one of them, else `piece`. */
int64_t layout_locate(const Layout *layout, int from, int to, int64_t number, int64_t *address,
                      int64_t piece);
/* The operands' addresses at a box of kept indices. Gives its steps along a kept cut dimension. */
int64_t layout_locate_box(const Layout *layout, int64_t box, int64_t *address);

/* The words of a block that follow the shape and the axes. */
const int64_t *block_objects(const int64_t *block);

/* Address of a NumPy scalar's value, or NULL if it is not of this type. */
const void *scalar_value(int64_t object, int64_t type);

/* Steps along dimension `d` in the tile number `number` of that dimension, and where it begins. */
static inline int64_t loop_count(const Layout *l, int d) {
    return d == l->cut ? l->pieces : l->extent[d];
}
static inline int64_t loop_start(const Layout *l, int d, int64_t number) {
    return d == l->cut ? number * l->piece : number;
}

#endif
