/* The tile machine: what one thread needs to run a launch's program tile by tile. */
#ifndef TRUENO_VM_H
#define TRUENO_VM_H

#include <stdatomic.h>
#include <stddef.h>

#include "fpstate.h"
#include "layout.h"

/* Bytes between tile buffers: not a multiple of 4096, lest all compete for one cache set. */
enum { BUFFER = TILE_BYTES + 320 };

enum { ABREAST = 8 };

/* Partial results of one reduction side by side: values and, for argmax and argmin, indices. */
typedef struct {
    char *value;
    int64_t *at;
} Lanes;

/* A launch in progress, shared by its threads. */
typedef struct {
    const Program *program;
    const Kernels *kernels;
    const void **constant;
    Layout layout;
    bool streams;           /* results go past the cache */
    bool prefetches;        /* operands come from memory, not from the cache */
    bool *deferred;         /* outputs that are stored only after all steps */
    int64_t parts;          /* into how many parts each reduction is split */
    int64_t part_tiles;     /* and their length */
    int64_t group;          /* boxes a unit */
    int64_t abreast;        /* boxes whose tiles take turns */
    int64_t units;
    int64_t result_lanes;   /* lanes of a folded reduction */
    Lanes *partial;         /* of each output: [box][part][lane] */
    size_t machine_bytes;
    atomic_llong next_unit;
    atomic_bool settled;    /* the only result of the launch can no longer change */
    atomic_int *masks;
} Run;

/* A reduction on its way through the tiles of a box. Blocks of tiles are summed one after the
 * other, blocks pairwise: `level[i]` holds the sum of 2^i blocks if bit i of `blocks` is set. */
typedef struct {
    Lanes now, work, spare, *level;
    int64_t tiles, blocks;
} Accumulator;

typedef struct {
    Run *run;
    char **at;              /* where each slot's tile lies, */
    char **home;            /* and where its buffer does */
    char **held;            /* the operand elements that an input's buffer holds a copy of, */
    int64_t *held_count;    /* and how many */
    int64_t *held_tiles;    /* and, of a panel, of how many tiles */
    char **panel;           /* the buffer of an operand that comes in several tiles at once */
    char **pointer;         /* this tile's first element in each operand */
    char **next;            /* and, for prefetching, the next tile's */
    int64_t *box;           /* the operands' addresses at each box of kept indices under way, */
    int64_t *current;       /* those of the current one, */
    int64_t box_number;     /* the first one's number, */
    int64_t piece[ABREAST]; /* and their steps along a kept cut dimension */
    int64_t *index;         /* tile of indices within the reduced axes */
    Accumulator *sets;      /* of each box, one an output */
    Accumulator *accumulator; /* the current box's */
    int *masks;
    bool settled;           /* the result of this box can no longer change */
    bool dirty;             /* the hardware flags hold what nobody asked for */
} Machine;

/* Bytes between the tiles of an operand's panel: each begins in another cache set. */
static inline int64_t panel_step(const Run *run, int operand) {
    return run->layout.tile * run->layout.operand[operand].size + 64;
}

/* One tile: `piece` steps of the cut dimension, from the machine's pointers; in a pass of a
 * chain. */
void tile_run(Machine *m, int64_t piece, int phase);
void tile_step(Machine *m, const Step *step, int64_t n);
/* Moves a dense tile (or, of a reduction, its kept part) to an output's memory. */
void tile_store(const Run *run, const Operand *operand, char *to, const char *from, int64_t piece,
                bool kept_only);

Lanes lanes_at(const Output *o, Lanes lanes, int64_t offset);
/* into = into (+) from */
void lanes_combine(const Output *o, Lanes into, Lanes from, int64_t n);
/* Folds `count` rows of `width` lanes down to `least` rows, the second half onto the first. Gives
 * the rows left. */
int64_t lanes_fold(const Output *o, Lanes rows, int64_t count, int64_t width, int64_t least);

int reduce_levels(const Layout *l);
/* Whether the output is a reduction. */
static inline bool folds(const Output *o) { return o->reduces == 1 || o->reduces == 2; }
/* Whether something of a program, or of that pass of a chain, is due in it. */
static inline bool in_phase(const Program *p, int of, int phase) {
    return !p->phases || of == phase;
}
void reduce_begin(Machine *m, int phase);
void reduce_tile(Machine *m, int output, int64_t piece);
/* Folds what was accumulated into the first `result_lanes` lanes. */
Lanes reduce_end(Machine *m, int output);
void reduce_store(Machine *m, int output, Lanes result, int64_t piece);
/* Folds `count` rows of `width` lanes into the first, pairwise. */
void reduce_fold(Machine *m, const Output *output, Lanes rows, int64_t count, int64_t width);

/* A reduction of one array that needs no tiles: whether it is one. Then it is done, and `mask` has
 * the conditions that arose, or an error (< 0). */
bool reduce_direct(const Program *p, const Layout *l, int *mask);

/* A box of a chain, pass by pass (chain.c). */
void chain_run(Machine *m, int64_t box);

#endif
