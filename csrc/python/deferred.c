/* Calls that become nodes, of a kind that Python has decided before (trueno/dispatch.py). */
#include "handle.h"

/* ---------------------------------------------------------------- conditions */

PyObject *conditions_now(void)
{
    static PyObject *modes, *filters, *sink, *known;
    PyObject *module = PyImport_GetModule(names.warnings);
    PyObject *shown = module ? PyObject_GetAttr(module, names.show) : NULL;
    PyObject *now = shown ? PyObject_GetAttr(module, names.filters) : NULL;
    PyObject *mode = now ? PyObject_CallNoArgs(bound.modes) : NULL;
    int same = mode ? known && mode == modes && shown == sink : -1;
    if (same > 0)
        same = PyObject_RichCompareBool(now, filters, Py_EQ);
    if (same == 0) {
        PyObject *copy = PySequence_List(now), *fresh = PyDict_New();
        if (copy && fresh) {
            replace(&modes, mode);
            replace(&filters, copy);
            replace(&sink, shown);
            replace(&known, fresh);
        } else {
            same = -1;
        }
        Py_XDECREF(copy);
        Py_XDECREF(fresh);
    }
    Py_XDECREF(mode);
    Py_XDECREF(now);
    Py_XDECREF(shown);
    Py_XDECREF(module);
    return same < 0 ? NULL : known;
}

/* ---------------------------------------------------------------- keys */

enum { MOST_OPERANDS = 4, MOST_WORDS = 3 + (MOST_OPERANDS + 1) * (2 + 2 * NPY_MAXDIMS) };

/* What an operand is, in the word before its layout. */
enum { PENDING = 1, ARRAY, FLOAT, INT, SCALAR, TARGET };

/* All that decides what becomes of a call on the host: the operation, the backend that is wished
 * for, the operands' layouts and, of an in-place call, that of its target. */
typedef struct {
    int64_t word[MOST_WORDS];
    int count;
    bool pending;
} Key;

static void add(Key *key, int64_t word)
{
    key->word[key->count++] = word;
}

static void add_layout(Key *key, int kind, PyArrayObject *array)
{
    int n = PyArray_NDIM(array);
    add(key, kind + 8 * n);
    add(key, (int64_t)PyArray_DESCR(array));
    for (int i = 0; i < n; i++) {
        add(key, PyArray_DIM(array, i));
        add(key, PyArray_STRIDE(array, i));
    }
}

static bool is_usual(const Block *b)
{
    return b->host_valid && !b->foreign && b->pin == names.automatic &&
           (!b->exports || !PyList_Size(b->exports));
}

/* The scalar that an array of no dimensions holds, which needs no memory. */
static PyObject *only_element(Key *key, PyArrayObject *array)
{
    add(key, SCALAR);
    add(key, (int64_t)PyArray_DESCR(array));
    return PyArray_ToScalar(PyArray_DATA(array), array);
}

/* Adds an operand to the key. Gives what a node takes for it, new; NULL, without an error, where
 * Python must look at the call. `joins`: another operand is no scalar. */
static PyObject *gather(Key *key, PyObject *x, bool joins)
{
    if (ours(x)) {
        Handle *h = AS_HANDLE(x);
        if (h->node) {
            add(key, PENDING);
            add(key, (int64_t)AS_NODE(h->node)->form);
            key->pending = true;
            Py_INCREF(h->node);
            return h->node;
        }
        PyArrayObject *array = AS_ARRAY(h->array);
        PyObject *block = block_of(x);
        if (!block || !is_usual(AS_BLOCK(block)) || !PyArray_ISALIGNED(array))
            return NULL;
        if (joins && !PyArray_NDIM(array) && !AS_BLOCK(block)->node && PyArray_ISNUMBER(array))
            return only_element(key, array);
        key->pending |= AS_BLOCK(block)->node != NULL;
        add_layout(key, ARRAY, array);
        return capture(h->array, block);
    }
    if (PyFloat_CheckExact(x) || PyLong_CheckExact(x)) {
        add(key, PyFloat_CheckExact(x) ? FLOAT : INT);
    } else if (PyArray_IsScalar(x, Number)) {
        PyArray_Descr *dtype = PyArray_DescrFromScalar(x);
        if (!dtype)
            return NULL;
        add(key, SCALAR);
        add(key, (int64_t)dtype);
        Py_DECREF((PyObject *)dtype);
    } else {
        return NULL;
    }
    Py_INCREF(x);
    return x;
}

/* Whether one of the operands is no scalar. */
static bool any_array(PyObject *const *operands, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if (ours(operands[i]) &&
            (AS_HANDLE(operands[i])->node || PyArray_NDIM(AS_ARRAY(AS_HANDLE(operands[i])->array))))
            return true;
    return false;
}

/* The operands of a node, and its key; NULL as `gather`. `into` is the target of a write. */
static PyObject *gather_all(Key *key, PyObject *op, PyObject *const *operands, Py_ssize_t n,
                            PyObject *into)
{
    const Settings *now = settings();
    PyObject *args = now && n <= MOST_OPERANDS ? PyTuple_New(n) : NULL;
    if (!args)
        return NULL;
    bool joins = any_array(operands, n);
    key->count = 0;
    key->pending = false;
    add(key, (int64_t)op);
    add(key, now->backend);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *arg = gather(key, operands[i], joins);
        if (!arg) {
            Py_DECREF(args);
            return NULL;
        }
        PyTuple_SetItem(args, i, arg);
    }
    if (into)
        add_layout(key, TARGET, AS_ARRAY(into));
    return args;
}

static PyObject *packed(const Key *key)
{
    return PyBytes_FromStringAndSize((const char *)key->word, key->count * 8);
}

/* gathered(op, operands, into): the key of a call, under which `decisions` may hold what Python
 * decides, the operands as a node takes them, and whether one pends; None if it is no such call. */
PyObject *module_gathered(PyObject *module, PyObject *args)
{
    Key key;
    PyObject *op, *operands, *into, *given[MOST_OPERANDS];
    if (!PyArg_ParseTuple(args, "OO!O", &op, &PyTuple_Type, &operands, &into))
        return NULL;
    Py_ssize_t n = PyTuple_Size(operands);
    for (Py_ssize_t i = 0; i < n && i < MOST_OPERANDS; i++)
        given[i] = PyTuple_GetItem(operands, i);
    PyObject *taken = gather_all(&key, op, given, n, into == Py_None ? NULL : into);
    if (!taken) {
        if (PyErr_Occurred())
            return NULL;
        Py_RETURN_NONE;
    }
    return Py_BuildValue("NNN", packed(&key), taken, PyBool_FromLong(key.pending));
}

/* ---------------------------------------------------------------- decisions */

/* The places of dispatch._Quick. */
enum { Q_FORM, Q_WORK, Q_RAISES, Q_SCALAR, Q_SCALARS, Q_CASTS, Q_OP, Q_MEMORY };

/* Which conditions to warn of; -1 where one raises, calls or prints, or with an error. */
static int conditions_of(PyObject *decision)
{
    long raises = PyLong_AsLong(PyTuple_GetItem(decision, Q_RAISES));
    if (!raises)
        return 0;
    PyObject *known = conditions_now(), *memory = PyTuple_GetItem(decision, Q_MEMORY);
    if (!known)
        return -1;
    if (PyList_GetItem(memory, 0) != known) {
        PyObject *bits = PyObject_CallFunction(bound.errstate, "Ol",
                                               PyTuple_GetItem(decision, Q_OP), raises);
        if (!bits || PyList_SetItem(memory, 1, bits) < 0)
            return -1;
        Py_INCREF(known);
        PyList_SetItem(memory, 0, known);
    }
    PyObject *bits = PyList_GetItem(memory, 1);
    return bits == Py_None ? -1 : (int)PyLong_AsLong(bits);
}

static PyObject *made(PyObject *make, PyObject *value)
{
    if (make == (PyObject *)&PyDoubleArrType_Type && PyFloat_CheckExact(value)) {
        double number = PyFloat_AsDouble(value);
        PyArray_Descr *dtype = PyArray_DescrFromType(NPY_DOUBLE);
        PyObject *scalar = PyArray_Scalar(&number, dtype, NULL);
        Py_DECREF((PyObject *)dtype);
        return scalar;
    }
    return PyObject_CallFunctionObjArgs(make, value, NULL);
}

/* Makes NumPy's scalars of Python's numbers; false where one does not fit, or with an error. */
static bool make_scalars(PyObject *decision, PyObject *args)
{
    PyObject *scalars = PyTuple_GetItem(decision, Q_SCALARS);
    for (Py_ssize_t i = 0, n = PyTuple_Size(scalars); i < n; i++) {
        PyObject *row = PyTuple_GetItem(scalars, i);
        Py_ssize_t at = PyLong_AsSsize_t(PyTuple_GetItem(row, 0));
        PyObject *value = made(PyTuple_GetItem(row, 1), PyTuple_GetItem(args, at));
        if (!value) {
            if (PyErr_ExceptionMatches(PyExc_OverflowError))
                PyErr_Clear();
            return false;
        }
        PyTuple_SetItem(args, at, value);
    }
    return true;
}

/* Puts nodes that cast them in the place of operands. */
static bool make_casts(PyObject *decision, PyObject *args)
{
    PyObject *casts = PyTuple_GetItem(decision, Q_CASTS);
    for (Py_ssize_t i = 0, n = PyTuple_Size(casts); i < n; i++) {
        PyObject *form = PyTuple_GetItem(casts, i), *arg = PyTuple_GetItem(args, i);
        if (form == Py_None)
            continue;
        PyObject *alone = PyTuple_New(1);
        if (!alone)
            return false;
        Py_INCREF(arg);
        PyTuple_SetItem(alone, 0, arg);
        PyObject *node = new_node(form, alone, 0);
        if (!node)
            return false;
        PyTuple_SetItem(args, i, node);
    }
    return true;
}

/* What was decided for calls with this key; NULL without an error where nothing was. Borrowed. */
static PyObject *looked_up(const Key *key)
{
    PyObject *bytes = packed(key);
    PyObject *decision = bytes ? PyDict_GetItemWithError(bound.decisions, bytes) : NULL;
    Py_XDECREF(bytes);
    return decision;
}

/* `looked_up`; NULL also where the call is small. Borrowed. */
static PyObject *decided(const Key *key)
{
    const Settings *now = settings();
    PyObject *decision = now ? looked_up(key) : NULL;
    if (!decision || decision == Py_None || key->pending)
        return decision == Py_None ? NULL : decision;
    double work = PyFloat_AsDouble(PyTuple_GetItem(decision, Q_WORK));
    return work < now->threshold ? NULL : decision;
}

/* A node for a call as it was decided, if it was; takes over the reference to `args`. */
static PyObject *node_of(PyObject *decision, PyObject *args, bool *scalar)
{
    PyObject *node = NULL;
    int errstate = -1;
    if (decision) {
        Py_INCREF(decision);
        errstate = conditions_of(decision);
    }
    if (errstate >= 0 && make_scalars(decision, args) && make_casts(decision, args)) {
        *scalar = PyTuple_GetItem(decision, Q_SCALAR) == Py_True;
        node = new_node(PyTuple_GetItem(decision, Q_FORM), args, errstate);
        args = NULL;
    }
    Py_XDECREF(args);
    Py_XDECREF(decision);
    return node;
}

/* A node for a call of a kind that was decided before; NULL without an error for any other. */
static PyObject *decided_node(PyObject *op, PyObject *const *operands, Py_ssize_t n,
                              PyObject *into, bool *scalar)
{
    Key key;
    PyObject *args = gather_all(&key, op, operands, n, into);
    return node_of(args ? decided(&key) : NULL, args, scalar);
}

/* ---------------------------------------------------------------- the lock */

bool lock_take(void)
{
    PyObject *done = PyObject_CallNoArgs(bound.acquire);
    Py_XDECREF(done);
    return done;
}

void lock_give(void)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *done = PyObject_CallNoArgs(bound.give_up);
    if (!done)
        PyErr_WriteUnraisable(bound.give_up);
    Py_XDECREF(done);
    PyErr_Restore(type, error, traceback);
}

/* ---------------------------------------------------------------- calls */

static bool any_ours(PyObject *const *operands, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if (ours(operands[i]))
            return true;
    return false;
}

PyObject *deferred(PyObject *op, PyObject *const *operands, Py_ssize_t n)
{
    bool scalar;
    if (n > MOST_OPERANDS || !any_ours(operands, n) || !lock_take())
        return NULL;
    PyObject *node = decided_node(op, operands, n, NULL, &scalar);
    PyObject *handle = node ? handle_waiting(node, scalar) : NULL;
    if (handle && is_due(node) && evaluate(&node, 1, NULL) < 0)
        Py_CLEAR(handle);
    Py_XDECREF(node);
    lock_give();
    return handle;
}

PyObject *module_deferred(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *handle = count > 1 ? deferred(args[0], args + 1, count - 1) : NULL;
    if (handle || PyErr_Occurred())
        return handle;
    Py_RETURN_NONE;
}

/* ---------------------------------------------------------------- calls that may join others */

/* Under the threshold a call alone is faster in NumPy; two that are computed together mostly are
 * not. So calls on so many bytes, and not many times less work than the threshold, are tried: if
 * the value was computed together with others, the next call of that kind is deferred too; if
 * alone, many calls are NumPy's before it is tried again. Tried are exact operations only
 * (dispatch.learn), so that results do not depend on it. */
enum { TRIED_BYTES = 256 * 1024, TRIED_BELOW = 32, CALLS_BETWEEN = 32 };
enum { M_TURNS = 2 }; /* in a decision's memory: how many calls are NumPy's, from now on */

bool may_join(PyObject *const *operands, Py_ssize_t n, const Gains *gains, double limit)
{
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyArray_CheckExact(operands[i]))
            continue;
        PyArrayObject *array = AS_ARRAY(operands[i]);
        if (PyArray_NBYTES(array) >= TRIED_BYTES &&
            PyArray_SIZE(array) * gain_of(gains, array) * TRIED_BELOW >= limit)
            return true;
    }
    return false;
}

/* Whether it is this call's turn to be tried. */
static bool its_turn(PyObject *decision)
{
    PyObject *memory = PyTuple_GetItem(decision, Q_MEMORY);
    long turns = PyLong_AsLong(PyList_GetItem(memory, M_TURNS));
    if (turns > 0)
        PyList_SetItem(memory, M_TURNS, PyLong_FromLong(turns - 1));
    return turns == 0;
}

void note_trial(PyObject *node, bool joined)
{
    PyObject *memory = AS_NODE(node)->trial;
    AS_NODE(node)->trial = NULL;
    PyList_SetItem(memory, M_TURNS, PyLong_FromLong(joined ? 0 : CALLS_BETWEEN));
    Py_DECREF(memory);
}

static PyObject *tried_node(PyObject *op, PyObject *const *operands, Py_ssize_t n, bool *scalar)
{
    Key key;
    PyObject *args = gather_all(&key, op, operands, n, NULL);
    PyObject *decision = args ? looked_up(&key) : NULL, *node = NULL;
    if (args && !decision && !PyErr_Occurred()) {
        PyObject *given = PyTuple_New(n), *done = NULL;
        for (Py_ssize_t i = 0; given && i < n; i++) {
            Py_INCREF(operands[i]);
            PyTuple_SetItem(given, i, operands[i]);
        }
        if (given)
            done = PyObject_CallFunctionObjArgs(bound.learn, op, given, NULL);
        Py_XDECREF(given);
        Py_XDECREF(done);
    }
    if (!decision || decision == Py_None || !its_turn(decision)) {
        Py_XDECREF(args);
        return NULL;
    }
    Py_INCREF(decision);
    node = node_of(decision, args, scalar);
    if (node)
        replace(&AS_NODE(node)->trial, PyTuple_GetItem(decision, Q_MEMORY));
    Py_DECREF(decision);
    return node;
}

PyObject *tried(PyObject *op, PyObject *const *operands, Py_ssize_t n)
{
    bool scalar;
    if (n > MOST_OPERANDS || !any_ours(operands, n) || !lock_take())
        return NULL;
    PyObject *node = tried_node(op, operands, n, &scalar);
    PyObject *handle = node ? handle_waiting(node, scalar) : NULL;
    if (handle && is_due(node) && evaluate(&node, 1, NULL) < 0)
        Py_CLEAR(handle);
    Py_XDECREF(node);
    lock_give();
    return handle;
}

/* ---------------------------------------------------------------- writes */

/* The value of a handle that has no memory yet is replaced: nothing else shows it. */
static int take_over(PyObject *handle, PyObject *node)
{
    PyObject *before = AS_NODE(AS_HANDLE(handle)->node)->form, *after = AS_NODE(node)->form;
    const PyObject *const alike[] = {names.shape, names.strides, names.dtype};
    for (size_t i = 0; before != after && i < sizeof alike / sizeof *alike; i++) {
        PyObject *x = PyObject_GetAttr(before, (PyObject *)alike[i]);
        PyObject *y = x ? PyObject_GetAttr(after, (PyObject *)alike[i]) : NULL;
        int same = y ? PyObject_RichCompareBool(x, y, Py_EQ) : -1;
        Py_XDECREF(x);
        Py_XDECREF(y);
        if (same != 1)
            return same;
    }
    if (set_owner(node, handle) < 0)
        return -1;
    replace(&AS_HANDLE(handle)->node, node);
    return 1;
}

/* The memory of a handle, if a write to it may be queued as usual: no error, and no warning
 * (the sign bit: NPY_ARRAY_WARN_ON_WRITE), is NumPy's to give. Borrowed. */
static PyObject *writable(PyObject *handle, PyObject *target)
{
    PyObject *block = block_of(handle);
    if (!block || !is_usual(AS_BLOCK(block)) || !PyArray_ISWRITEABLE(AS_ARRAY(target)) ||
        !PyArray_ISALIGNED(AS_ARRAY(target)) || PyArray_FLAGS(AS_ARRAY(target)) < 0)
        return NULL;
    return block;
}

enum { MOST_BEFORE = 64 };

int queue_write(PyObject *block, PyObject *node, PyObject *target)
{
    Block *b = AS_BLOCK(block);
    if (b->viewed && b->node && evaluate(&b->node, 1, NULL) < 0)
        return -1;
    if (await_value(block, node, target) < 0)
        return -1;
    if (is_due(node) || PyList_Size(b->before) > MOST_BEFORE)
        return evaluate(&node, 1, NULL);
    return 0;
}

/* One pending write at a time: another one than to `target` is performed now. */
static int settle_other(Block *b, PyObject *target)
{
    if (!b->node || same_elements(target, b->target))
        return 0;
    return evaluate(&b->node, 1, NULL);
}

static int queued(PyObject *op, PyObject *handle, PyObject *target, PyObject *const *operands,
                  Py_ssize_t n)
{
    bool scalar;
    PyObject *block = target ? writable(handle, target) : NULL;
    if (target && (!block || settle_other(AS_BLOCK(block), target) < 0))
        return PyErr_Occurred() ? -1 : 0;
    PyObject *node = decided_node(op, operands, n, target, &scalar);
    if (!node)
        return PyErr_Occurred() ? -1 : 0;
    int status = target ? queue_write(block, node, target) < 0 ? -1 : 1 : take_over(handle, node);
    if (status > 0 && !target && is_due(node) && evaluate(&node, 1, NULL) < 0)
        status = -1;
    Py_DECREF(node);
    return status;
}

int deferred_write(PyObject *op, PyObject *handle, PyObject *target, PyObject *const *operands,
                   Py_ssize_t n)
{
    Handle *h = AS_HANDLE(handle);
    if (h->scalar || (target && h->node) || (!target && !h->node) || !lock_take())
        return PyErr_Occurred() ? -1 : 0;
    int status = queued(op, handle, target, operands, n);
    lock_give();
    return status;
}

/* write(op, handle, target or None, operands): whether the write is queued. */
PyObject *module_write(PyObject *module, PyObject *args)
{
    PyObject *op, *handle, *target, *operands, *given[MOST_OPERANDS];
    if (!PyArg_ParseTuple(args, "OOOO!:write", &op, &handle, &target, &PyTuple_Type, &operands))
        return NULL;
    Py_ssize_t n = PyTuple_Size(operands);
    for (Py_ssize_t i = 0; i < n && i < MOST_OPERANDS; i++)
        given[i] = PyTuple_GetItem(operands, i);
    int status = deferred_write(op, handle, target == Py_None ? NULL : target, given, n);
    return status < 0 ? NULL : PyBool_FromLong(status);
}
