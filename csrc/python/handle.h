/* Handle, the C part of TruenoArray, and calls on small arrays, which go to NumPy at once.
 *
 * A call on small arrays must cost little more than NumPy's own. So these files hold what such a
 * call meets: the object, its operators, `__array_ufunc__`, `__array_function__` and indexing. What
 * is not small, or not current in host memory, goes to the Python functions that `bind` was given.
 */
#ifndef TRUENO_HANDLE_H
#define TRUENO_HANDLE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#define NPY_NO_DEPRECATED_API NPY_2_0_API_VERSION
#define NPY_TARGET_VERSION NPY_2_0_API_VERSION
#define PY_ARRAY_UNIQUE_SYMBOL trueno_array_api
#ifndef TRUENO_HANDLE_MODULE
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>
#include <numpy/arrayscalars.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

/* See trueno/handles.py. `array` is NULL while a pending value has no memory, `node` when nothing
 * pends, `buffer` as long as nothing is known of the memory but that it is ours and current. */
typedef struct {
    PyObject_HEAD
    PyObject *array, *buffer, *node, *weakrefs;
    char scalar;
} Handle;

/* See trueno/memory.py (Storage) and trueno/graph.py (Buffer). NULL lists are empty. */
typedef struct {
    PyObject_HEAD
    PyObject *root, *device, *whole, *node, *target, *before, *readers, *exports, *pin, *owner,
        *weakrefs;
    char host_valid, device_valid, foreign, viewed, plain;
    int bit; /* from 1; 0: not dealt yet */
} Block;

/* See trueno/graph.py. `trial`: see deferred.c; NULL of most nodes. `walk`, `asked` and `only` are
 * the numbers of the walks that met the node, were asked for it, and found it needed by one write
 * alone; `position` is its place in the first. */
typedef struct {
    PyObject_HEAD
    PyObject *form, *args, *owner, *result, *readers, *trial, *weakrefs;
    int errstate, depth;
    uint64_t leaves[2];
    int64_t walk, asked, only;
    int position;
} Node;

/* What `bind` was given: functions that calls go to, classes, tables. */
#define BOUND(X)                                                                                   \
    X(result_class) X(buffer_class) X(view_class) X(leaf_class) X(named) X(host) X(rewrap)         \
    X(wrap_value) X(array_ufunc) X(array_function) X(getitem) X(setitem) X(set_layout)             \
    X(ufuncs) X(functions) X(operators) X(release) X(pooled) X(acquire) X(give_up) X(modes)        \
    X(errstate) X(decisions) X(operations) X(plans) X(prepare) X(launch) X(copy) X(copiers)        \
    X(report) X(warn) X(observers) X(cast) X(learn) X(others) X(square)                            \
    X(reductions)
extern struct Bound {
#define MEMBER(NAME) PyObject *NAME;
    BOUND(MEMBER)
#undef MEMBER
    Py_ssize_t pooled_from; /* bytes from which memory is released to the pool */
    Py_ssize_t run;         /* address of trueno_run */
} bound;

/* Interned names of attributes: (member of `names`, text). */
#define NAMES(X)                                                                                   \
    X(automatic, "auto") X(threshold, "threshold") X(dropin, "dropin") X(backend, "backend")       \
    X(threads, "threads") X(validate, "validate") X(debug, "debug")                                \
    X(form, "form") X(owner, "owner") X(shape, "shape") X(strides, "strides") X(dtype, "dtype")    \
    X(ndim, "ndim") X(size, "size") X(itemsize, "itemsize") X(nbytes, "nbytes") X(out, "out")      \
    X(compact, "compact") X(shared, "shared") X(warnings, "warnings") X(filters, "filters")        \
    X(show, "_showwarnmsg_impl") X(array, "__array__") X(array_wrap, "__array_wrap__")             \
    X(implementation, "_implementation") X(call, "__call__") X(name, "__name__")                   \
    X(getitem, "__getitem__") X(setitem, "__setitem__") X(array_function, "__array_function__")    \
    X(numpy, "numpy") X(device, "device") X(like, "like") X(meaning, "meaning")
extern struct Names {
#define MEMBER(NAME, TEXT) PyObject *NAME;
    NAMES(MEMBER)
#undef MEMBER
} names;

/* With how many times fewer elements than the threshold a call is no longer NumPy's, by the number
 * of the dtype. What `bound.ufuncs` and `bound.functions` hold as bytes. */
enum { DTYPE_NUMBERS = 24 };
typedef struct {
    double by_dtype[DTYPE_NUMBERS];
    double position; /* of the argument whose dtype counts: from 0, or from -1 at the end */
    double short_rows; /* the gain where an axis other than the first is reduced; 0: the same */
    double gathers;    /* not 0: elements that lie apart are gathered first, which NumPy spares */
    double keeps_floats; /* not 0: a ufunc whose result of float32 or float64 has that dtype */
} Gains;

#define AS_BLOCK(x) ((Block *)(x))
#define AS_HANDLE(x) ((Handle *)(x))
#define AS_NODE(x) ((Node *)(x))
#define AS_ARRAY(x) ((PyArrayObject *)(x))

static inline bool ours(PyObject *x)
{
    return (PyObject *)Py_TYPE(x) == bound.result_class;
}

bool is_handle(PyObject *x);
bool is_block(PyObject *x);

/* Sequences are nested no deeper than arrays have axes; a list may even hold itself. */
enum { MOST_NESTED = NPY_MAXDIMS };

/* How many items a tuple or list has; -1 of anything else. */
static inline Py_ssize_t item_count(PyObject *x)
{
    return PyTuple_CheckExact(x) ? PyTuple_Size(x) : PyList_CheckExact(x) ? PyList_Size(x) : -1;
}

/* Borrowed. */
static inline PyObject *item_at(PyObject *x, Py_ssize_t i)
{
    return PyTuple_CheckExact(x) ? PyTuple_GetItem(x, i) : PyList_GetItem(x, i);
}

/* A new instance of a type made from a specification, and the end of one. */
PyObject *new_instance(PyTypeObject *type);
void free_instance(PyObject *self);

/* block.c: a buffer that owns `root`: new; the handle's, made now if it has none: borrowed. */
PyObject *new_block(PyObject *root);
PyObject *block_of(PyObject *handle);
int block_bit(Block *b);
void block_update(Block *b);

/* node.c. Lists are made when they are first asked for; references to dead objects give NULL. */
bool is_node(PyObject *x);
bool is_view(PyObject *x);
bool is_leaf(PyObject *x);
PyObject *list_at(PyObject **place);
PyObject *referred(PyObject *reference);
bool same_elements(PyObject *x, PyObject *y);
PyObject *new_view(PyObject *block, PyObject *array);

/* The reader number `i`, if it has not run. Borrowed. Without those that have, if any is left. */
PyObject *pending_reader(PyObject *readers, Py_ssize_t i);
int forget_finished(PyObject *readers);

/* An operand for a node: the elements that an array shows of a buffer, as of now. New. */
PyObject *capture(PyObject *array, PyObject *block);
/* Takes over the reference to `args`, NULL if those failed. */
PyObject *new_node(PyObject *form, PyObject *args, int errstate);
enum { AT_ONCE = 16 }; /* in `errstate` (trueno/conditions.py) */
bool is_due(PyObject *node);
bool is_wanted(PyObject *node);
int set_owner(PyObject *node, PyObject *owner);
/* A handle that waits for a node's value, without memory. New. */
PyObject *handle_waiting(PyObject *node, bool scalar);
/* Queues the write `target` = value of `node`. */
int await_value(PyObject *block, PyObject *node, PyObject *target);
/* A view of new memory for a node's value: with the form's strides, or without gaps. New. */
PyObject *fresh(PyObject *node, bool compact);
/* The same, in memory that waits for the value. */
PyObject *pending_view(PyObject *node);

/* deferred.c */
PyObject *conditions_now(void);
bool lock_take(void);
void lock_give(void);
/* The call as a node's handle; NULL, without an error, where it is not of a kind decided before. */
PyObject *deferred(PyObject *op, PyObject *const *operands, Py_ssize_t n);
/* The same of a call that is NumPy's where it is alone: if such calls have joined others, or that
 * is to be found out. */
PyObject *tried(PyObject *op, PyObject *const *operands, Py_ssize_t n);
/* Whether that may pay: of operands that are small. */
bool may_join(PyObject *const *operands, Py_ssize_t n, const Gains *gains, double limit);
/* Notes whether a node that was tried is computed together with others. */
void note_trial(PyObject *node, bool joined);
/* `deferred` of a write to `target`, a view of the handle's array; NULL: all of a value that has no
 * memory. 1: queued; 0: Python must look at it; -1: an error. */
int deferred_write(PyObject *op, PyObject *handle, PyObject *target, PyObject *const *operands,
                   Py_ssize_t n);
int queue_write(PyObject *block, PyObject *node, PyObject *target);

/* run.c: computes nodes' values. `spared` is not stored, though a handle waits for it. */
int evaluate(PyObject *const *roots, Py_ssize_t n, PyObject *spared);

/* Puts a value in the place of another; NULL stands for None. */
void replace(PyObject **place, PyObject *value);

/* The host array if it is there and current, else NULL. Borrowed. */
PyObject *current(PyObject *handle);

/* `current`, if also nobody else has to know when it is written to. Borrowed. */
PyObject *quiet(PyObject *handle);

/* The host array with current contents. New. */
PyObject *host_array(PyObject *handle);

/* A handle without any state; one on an array and, unless NULL or None, a buffer, which takes over
 * the reference to `array`. */
Handle *blank_handle(void);
PyObject *new_handle(PyObject *array, PyObject *buffer, bool scalar);

/* settings.c. `backend` stands for the one wished for; `watched`: launches are validated or
 * printed. */
typedef struct {
    double threshold;
    int64_t backend;
    int threads;
    bool dropin, watched;
} Settings;
const Settings *settings(void); /* NULL with an error */
double threshold(void); /* elements from which a cheap call is deferred; -1 with an error */
bool drops_in(void);      /* whether the setting `dropin` holds */
bool gives_scalars(void); /* whether users are given NumPy's scalars now, not handles on them */
extern _Thread_local int inside;
PyObject *left(PyObject *result);

/* A call of our Python functions for a user: its result, as users are given it. */
#define SLOWLY(CALL) (inside++, left(CALL))

/* calls.c: what is small. `limit` is the threshold. */
const Gains *gains_in(PyObject *table, PyObject *key);
double gain_of(const Gains *gains, PyArrayObject *array);
bool few(PyObject *array, double gain, double limit);
bool is_number(PyObject *x);
PyObject *operand(PyObject *x, const Gains *gains, double limit);
bool result_is_small(PyObject *const *operands, Py_ssize_t n, const Gains *gains, double limit);

/* calls.c: results. */
PyObject *wrapped(PyObject *result);

/* ufunc(*operands), or with `out` ufunc(*operands, out=out). New. */
PyObject *call_ufunc(PyObject *ufunc, PyObject *const *operands, Py_ssize_t n, PyObject *out);

/* A ufunc's result on large arrays of one floating-point dtype and shape, in memory of the pool: a
 * handle; NULL, without an error, for other operands. */
PyObject *in_pool(PyObject *ufunc, PyObject *const *operands, Py_ssize_t n, const Gains *gains);
/* Results from this size on are written to memory of the pool, whose pages are warm. */
enum { POOLED_RESULT = 256 * 1024 };

/* direct.c: the inner loops of one of NumPy's ufuncs; NULL, perhaps with an error, where it has
 * none that can be called at once. */
typedef struct Loops Loops;
const Loops *loops_of(PyObject *ufunc);

/* The ufunc's result, a new ndarray; NULL, perhaps with an error, of operands that NumPy must look
 * at. In place: 1, 0 and -1. */
PyObject *direct(const Loops *loops, PyObject *const *operands, Py_ssize_t count);
int direct_in_place(const Loops *loops, PyObject *target, PyObject *other);

/* What a function of NumPy's makes of all elements of an ndarray: its scalar. NULL as above. */
PyObject *direct_reduction(PyObject *function, PyObject *array);
int bind_reductions(void);

PyObject *fail(PyObject *what);
PyObject *view_of(PyObject *handle, PyObject *view);
bool is_view_of(PyObject *view, PyObject *array);

extern PyType_Slot operator_slots[], item_slots[], buffer_slots[];
int bind_operators(void);
PyObject *raise_swallowed(PyObject *module, PyObject *handle);
PyObject *handle_array_ufunc(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *handle_array_function(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *small(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *new_method(PyObject *module, PyObject *args);
PyObject *replace_loop(PyObject *module, PyObject *args);
PyObject *keep_warm(PyObject *module, PyObject *bytes);
int make_method_type(void);
PyObject *settings_from(PyObject *module, PyObject *args);
PyObject *settings_now(PyObject *module, PyObject *unused);
PyObject *new_public(PyObject *module, PyObject *args);
int make_public_type(void);
PyObject *new_importer(PyObject *module, PyObject *args);
int make_importer_type(void);

/* protocols.c: NumPy's result on small operands, for users; NULL, without an error, where some are
 * not small or the call is another one. `own`: what NumPy calls once it knows that no argument
 * overrides `f` (`own_function`). `loops` are the ufunc's, or NULL. */
PyObject *small_ufunc(PyObject *ufunc, const Loops *loops, PyObject *args, Py_ssize_t first,
                      PyObject *kwargs, const Gains *gains);
PyObject *small_function(PyObject *f, PyObject *own, PyObject *args, PyObject *kwargs);
PyObject *own_function(PyObject *f); /* new */
const Loops *loops_of_row(PyObject *ufunc); /* of a row of the table; NULL of others */
bool are_simple(PyObject *kwargs); /* whether no keyword argument can hold an array */
int make_block_type(PyObject *module);
int make_node_type(PyObject *module);

/* Functions of the module. */
PyObject *module_gathered(PyObject *module, PyObject *args);
PyObject *module_deferred(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *module_write(PyObject *module, PyObject *args);
PyObject *module_walk(PyObject *module, PyObject *args);
PyObject *module_evaluate(PyObject *module, PyObject *const *args, Py_ssize_t count);

#endif
