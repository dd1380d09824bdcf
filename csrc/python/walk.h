/* The pending nodes below some roots, in topological order, and what they read. */
#ifndef TRUENO_WALK_H
#define TRUENO_WALK_H

#include "handle.h"

/* Words, of which few need memory of their own. */
typedef struct {
    int64_t *items, count, room;
    int64_t own[32];
} Vector;

void vector_start(Vector *v);
void vector_free(Vector *v);
bool vector_grow(Vector *v);

static inline bool push(Vector *v, int64_t word)
{
    if (v->count == v->room && !vector_grow(v))
        return false;
    v->items[v->count++] = word;
    return true;
}

static inline PyObject *object_at(const Vector *v, int64_t i)
{
    return (PyObject *)v->items[i];
}

/* See planner.Graph. An operand is a word; `rows` says where each node's begin. `writes` has the
 * nodes whose buffers have something to run before the write. */
typedef struct {
    int64_t number;
    Vector nodes, leaves, consts, args, rows, stored, writes, key;
} Walk;

enum { CONST, LEAF, NODE };

static inline int64_t operand_of(int kind, int64_t place, int64_t source)
{
    return (source + 1) << 32 | place << 2 | kind;
}
static inline int kind_of(int64_t word) { return (int)(word & 3); }
static inline int64_t place_of(int64_t word) { return (word & 0xffffffff) >> 2; }
static inline int64_t source_of(int64_t word) { return (word >> 32) - 1; }

/* Walks; false with an error. Both are to be freed. */
bool walk_make(Walk *w, PyObject *const *roots, Py_ssize_t n, PyObject *spared);
void walk_free(Walk *w);
PyObject *walk_key(const Walk *w);

/* Walks once every write among the nodes may happen; false with an error, and nothing to free. */
bool walk_ordered(Walk *w, PyObject *const *roots, Py_ssize_t n, PyObject *spared);

#endif
