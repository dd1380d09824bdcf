/* The pending nodes below some roots, and what must run before their writes. */
#include "walk.h"

/* ---------------------------------------------------------------- vectors */

void vector_free(Vector *v)
{
    if (v->items != v->own)
        PyMem_Free(v->items);
}

bool vector_grow(Vector *v)
{
    size_t bytes = (size_t)v->count * sizeof *v->items;
    int64_t *items = PyMem_Malloc(2 * bytes);
    if (!items) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(items, v->items, bytes);
    vector_free(v);
    v->items = items;
    v->room *= 2;
    return true;
}

/* ---------------------------------------------------------------- the walk */

static int64_t walks; /* how many there were: their numbers mark the nodes that they met */

void vector_start(Vector *v)
{
    v->items = v->own;
    v->count = 0;
    v->room = sizeof v->own / sizeof *v->own;
}

static bool hold(Vector *v, PyObject *object)
{
    Py_INCREF(object);
    if (push(v, (int64_t)object))
        return true;
    Py_DECREF(object);
    return false;
}

/* The place of a view among the leaves, which it joins if its elements are not there yet; -1 with
 * an error. */
static int64_t leaf_at(Walk *w, PyObject *view)
{
    for (int64_t at = 0; at < w->leaves.count; at++) {
        PyObject *other = object_at(&w->leaves, at);
        if (PyTuple_GetItem(other, 0) == PyTuple_GetItem(view, 0) &&
            same_elements(PyTuple_GetItem(other, 1), PyTuple_GetItem(view, 1)))
            return at;
    }
    return hold(&w->leaves, view) ? w->leaves.count - 1 : -1;
}

/* An operand as a word: what it is, its place in the list of these, and that of the node which
 * must write it first, or -1. */
static int64_t operand_word(Walk *w, PyObject *arg)
{
    int64_t source = -1, at;
    PyObject *view = arg;
    if (is_node(arg)) {
        view = AS_NODE(arg)->result;
        if (!view)
            return operand_of(NODE, AS_NODE(arg)->position, -1);
    } else if (is_leaf(arg)) {
        Node *write = AS_NODE(PyTuple_GetItem(arg, 1));
        view = PyTuple_GetItem(arg, 0);
        source = write->result ? -1 : write->position;
    } else if (!is_view(arg)) {
        return hold(&w->consts, arg) ? operand_of(CONST, w->consts.count - 1, -1) : -1;
    }
    at = leaf_at(w, view);
    return at < 0 ? -1 : operand_of(LEAF, at, source);
}

/* Whether the value must be stored because somebody waits for it; notes writes. */
static int stored(Walk *w, Node *node, PyObject *spared)
{
    PyObject *owner = referred(node->owner);
    if (!owner)
        return 0;
    if (!is_block(owner))
        return AS_HANDLE(owner)->node == (PyObject *)node && (PyObject *)node != spared;
    Block *b = AS_BLOCK(owner);
    if (b->node != (PyObject *)node)
        return 0;
    if (b->before && PyList_Size(b->before) && !push(&w->writes, w->nodes.count))
        return -1;
    return 1;
}

/* Adds an operand to the key, with its dtype where it is new. */
static bool add_operand(Walk *w, PyObject *arg)
{
    int64_t leaves = w->leaves.count, consts = w->consts.count, word = operand_word(w, arg);
    if (word < 0 || !push(&w->args, word) || !push(&w->key, word))
        return false;
    if (w->consts.count > consts)
        return push(&w->key, (int64_t)Py_TYPE(arg));
    if (w->leaves.count == leaves)
        return true;
    PyObject *array = PyTuple_GetItem(object_at(&w->leaves, leaves), 1);
    return push(&w->key, (int64_t)PyArray_DESCR(AS_ARRAY(array)));
}

/* Appends a node whose operands are there. */
static bool append(Walk *w, Node *node, PyObject *spared)
{
    int keeps = stored(w, node, spared);
    Py_ssize_t n = PyTuple_Size(node->args);
    if (keeps < 0 || !push(&w->rows, w->args.count))
        return false;
    keeps = keeps || node->asked == w->number;
    if (!push(&w->key, (int64_t)node->form) || !push(&w->key, 2 * n + keeps))
        return false;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!add_operand(w, PyTuple_GetItem(node->args, i)))
            return false;
    node->walk = w->number;
    node->position = (int)w->nodes.count;
    return push(&w->stored, keeps) && hold(&w->nodes, (PyObject *)node);
}

/* The node that an operand needs, or NULL. */
static Node *below(PyObject *arg)
{
    Node *node = is_node(arg)   ? AS_NODE(arg)
                 : is_leaf(arg) ? AS_NODE(PyTuple_GetItem(arg, 1))
                                : NULL;
    return node && !node->result ? node : NULL;
}

bool walk_make(Walk *w, PyObject *const *roots, Py_ssize_t n, PyObject *spared)
{
    Vector stack;
    Vector *all[] = {&w->nodes, &w->leaves, &w->consts, &w->args, &w->rows, &w->stored, &w->writes,
                     &w->key, &stack};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        vector_start(all[i]);
    w->number = ++walks;
    bool fine = true;
    for (Py_ssize_t i = n - 1; i >= 0 && fine; i--) {
        AS_NODE(roots[i])->asked = w->number;
        fine = push(&stack, (int64_t)roots[i]);
    }
    while (fine && stack.count) {
        Node *node = AS_NODE(object_at(&stack, stack.count - 1));
        if (node->result || node->walk == w->number) {
            stack.count--;
            continue;
        }
        int64_t height = stack.count;
        for (Py_ssize_t i = 0, count = PyTuple_Size(node->args); i < count && fine; i++) {
            Node *other = below(PyTuple_GetItem(node->args, i));
            if (other && other->walk != w->number)
                fine = push(&stack, (int64_t)other);
        }
        if (fine && stack.count == height) {
            stack.count--;
            fine = append(w, node, spared);
        }
    }
    vector_free(&stack);
    return fine;
}

void walk_free(Walk *w)
{
    Vector *held[] = {&w->nodes, &w->leaves, &w->consts};
    Vector *others[] = {&w->args, &w->rows, &w->stored, &w->writes, &w->key};
    for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
        for (int64_t at = 0; at < held[i]->count; at++)
            Py_XDECREF(object_at(held[i], at));
        vector_free(held[i]);
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        vector_free(others[i]);
}

/* ---------------------------------------------------------------- writes */

/* Whether all who read a node's value have run, or are needed by the write alone. */
static bool is_private(Node *node, int64_t number)
{
    Py_ssize_t n = node->readers ? PyList_Size(node->readers) : 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *reader = pending_reader(node->readers, i);
        if (reader && AS_NODE(reader)->only != number)
            return false;
    }
    return !is_wanted((PyObject *)node);
}

/* Appends the pending readers of the former contents that something other than the write needs. */
static bool add_overtaken(PyObject *write, Block *b, Vector *overtaken)
{
    Walk w;
    bool any = false, fine = true;
    for (Py_ssize_t i = 0, n = PyList_Size(b->before); i < n && !any; i++) {
        PyObject *reader = pending_reader(b->before, i);
        any = reader && reader != write;
    }
    if (!any)
        return true;
    fine = walk_make(&w, &write, 1, NULL);
    AS_NODE(write)->only = w.number;
    for (int64_t at = w.nodes.count - 2; at >= 0 && fine; at--) {
        Node *node = AS_NODE(object_at(&w.nodes, at));
        if (is_private(node, w.number))
            node->only = w.number;
    }
    for (Py_ssize_t i = 0, n = PyList_Size(b->before); i < n && fine; i++) {
        PyObject *reader = pending_reader(b->before, i);
        if (reader && AS_NODE(reader)->only != w.number)
            fine = hold(overtaken, reader);
    }
    walk_free(&w);
    return fine;
}

/* A pending write must not overtake nodes that still want the former contents: those run first,
 * except where the write itself is all that needs them. 1: they have; 0: there are none. */
static int run_overtaken(Walk *w)
{
    Vector overtaken;
    bool fine = true;
    vector_start(&overtaken);
    for (int64_t i = 0; i < w->writes.count && fine; i++) {
        PyObject *write = object_at(&w->nodes, w->writes.items[i]);
        PyObject *owner = referred(AS_NODE(write)->owner);
        if (!owner)
            continue;
        fine = add_overtaken(write, AS_BLOCK(owner), &overtaken);
        if (!overtaken.count)
            replace(&AS_BLOCK(owner)->before, NULL);
    }
    int status = fine ? overtaken.count > 0 : -1;
    if (status > 0 && evaluate((PyObject **)overtaken.items, overtaken.count, NULL) < 0)
        status = -1;
    for (int64_t i = 0; i < overtaken.count; i++)
        Py_DECREF(object_at(&overtaken, i));
    vector_free(&overtaken);
    return status;
}

bool walk_ordered(Walk *w, PyObject *const *roots, Py_ssize_t n, PyObject *spared)
{
    for (;;) {
        int again = walk_make(w, roots, n, spared) ? run_overtaken(w) : -1;
        if (!again)
            return true;
        walk_free(w);
        if (again < 0)
            return false;
    }
}

/* ---------------------------------------------------------------- for Python */

static PyObject *list_of(const Vector *v)
{
    PyObject *list = PyList_New(v->count);
    for (int64_t i = 0; list && i < v->count; i++) {
        Py_INCREF(object_at(v, i));
        PyList_SetItem(list, i, object_at(v, i));
    }
    return list;
}

static PyObject *operands_of(const Walk *w, int64_t node)
{
    static const char *const kinds[] = {"c", "l", "n"};
    int64_t from = w->rows.items[node];
    int64_t to = node + 1 < w->rows.count ? w->rows.items[node + 1] : w->args.count;
    PyObject *row = PyTuple_New(to - from);
    for (int64_t i = from; row && i < to; i++) {
        int64_t word = w->args.items[i];
        PyObject *item = Py_BuildValue("sLL", kinds[kind_of(word)], (long long)place_of(word),
                                       (long long)source_of(word));
        if (!item)
            Py_CLEAR(row);
        else
            PyTuple_SetItem(row, i - from, item);
    }
    return row;
}

PyObject *walk_key(const Walk *w)
{
    return PyBytes_FromStringAndSize((const char *)w->key.items, w->key.count * 8);
}

/* walk(roots, spared): nodes, leaves, consts, args, stored and key of planner.Graph. */
PyObject *module_walk(PyObject *module, PyObject *args)
{
    PyObject *list, *spared, *result = NULL;
    Vector roots;
    Walk w;
    if (!PyArg_ParseTuple(args, "O!O:walk", &PyList_Type, &list, &spared))
        return NULL;
    vector_start(&roots);
    bool fine = true;
    for (Py_ssize_t i = 0, n = PyList_Size(list); i < n && fine; i++)
        fine = is_node(PyList_GetItem(list, i)) && push(&roots, (int64_t)PyList_GetItem(list, i));
    if (fine && walk_make(&w, (PyObject **)roots.items, roots.count, spared)) {
        PyObject *rows = PyList_New(w.nodes.count), *kept = PyList_New(w.nodes.count);
        for (int64_t i = 0; rows && kept && i < w.nodes.count; i++) {
            PyObject *row = operands_of(&w, i);
            if (!row)
                Py_CLEAR(rows);
            else
                PyList_SetItem(rows, i, row);
            PyList_SetItem(kept, i, PyBool_FromLong((long)w.stored.items[i]));
        }
        if (rows && kept)
            result = Py_BuildValue("NNNNNN", list_of(&w.nodes), list_of(&w.leaves),
                                   list_of(&w.consts), rows, kept, walk_key(&w));
    } else if (!fine) {
        PyErr_SetString(PyExc_TypeError, "walk: a list of nodes is expected");
    }
    vector_free(&roots);
    if (fine)
        walk_free(&w);
    return result;
}
