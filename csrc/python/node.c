/* Node: the fields of graph.Node, where their meaning stands; its operands; and pending writes. */
#include "handle.h"

/* A pending graph deeper than this runs at once, so that a loop that never observes its result
 * cannot grow it without end; so does one that reads more buffers, since it keeps their memory.
 * What must run before a write counts for several operations: it nests evaluations. */
enum { DEPTH_LIMIT = 200, LEAF_LIMIT = 16, STEP_BEFORE = 8, READERS_CHECKED = 64 };

static PyTypeObject *node_type;

bool is_node(PyObject *x)
{
    return Py_TYPE(x) == node_type;
}

PyObject *list_at(PyObject **place)
{
    if (!*place)
        *place = PyList_New(0);
    return *place;
}

/* ---------------------------------------------------------------- readers */

PyObject *referred(PyObject *reference)
{
    PyObject *object = reference ? PyWeakref_GetObject(reference) : NULL;
    return object == Py_None ? NULL : object;
}

PyObject *pending_reader(PyObject *readers, Py_ssize_t i)
{
    PyObject *node = referred(PyList_GetItem(readers, i));
    return node && !AS_NODE(node)->result ? node : NULL;
}

int forget_finished(PyObject *readers)
{
    PyObject *kept = PyList_New(0);
    Py_ssize_t n = PyList_Size(readers);
    for (Py_ssize_t i = 0; kept && i < n; i++)
        if (pending_reader(readers, i) && PyList_Append(kept, PyList_GetItem(readers, i)) < 0)
            Py_CLEAR(kept);
    int status = kept ? PyList_SetSlice(readers, 0, n, kept) : -1;
    Py_XDECREF(kept);
    return status;
}

static int add_reader(PyObject **place, PyObject *reference)
{
    PyObject *readers = list_at(place);
    if (!readers || PyList_Append(readers, reference) < 0)
        return -1;
    Py_ssize_t count = PyList_Size(readers);
    /* At powers of two, so that it costs little. */
    return count >= READERS_CHECKED && !(count & (count - 1)) ? forget_finished(readers) : 0;
}

/* ---------------------------------------------------------------- operands */

static PyObject *new_pair(PyObject *class, PyObject *first, PyObject *second)
{
    PyTypeObject *type = (PyTypeObject *)class;
    PyObject *pair = ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 2);
    if (!pair)
        return NULL;
    Py_INCREF(first);
    PyTuple_SetItem(pair, 0, first);
    Py_INCREF(second);
    PyTuple_SetItem(pair, 1, second);
    return pair;
}

PyObject *new_view(PyObject *block, PyObject *array)
{
    return new_pair(bound.view_class, block, array);
}

bool is_view(PyObject *x)
{
    return (PyObject *)Py_TYPE(x) == bound.view_class;
}

bool is_leaf(PyObject *x)
{
    return (PyObject *)Py_TYPE(x) == bound.leaf_class;
}

bool same_elements(PyObject *x, PyObject *y)
{
    PyArrayObject *a = AS_ARRAY(x), *b = AS_ARRAY(y);
    int n = PyArray_NDIM(a);
    bool same = a == b || (PyArray_DATA(a) == PyArray_DATA(b) && n == PyArray_NDIM(b) &&
                           PyArray_EquivTypes(PyArray_DESCR(a), PyArray_DESCR(b)));
    for (int i = 0; a != b && same && i < n; i++)
        same = PyArray_DIM(a, i) == PyArray_DIM(b, i) &&
               PyArray_STRIDE(a, i) == PyArray_STRIDE(b, i);
    return same;
}

PyObject *capture(PyObject *array, PyObject *block)
{
    Block *b = AS_BLOCK(block);
    PyObject *view, *leaf;
    if (!b->node)
        return new_view(block, array);
    if (same_elements(array, b->target)) {
        Py_INCREF(b->node);
        return b->node;
    }
    b->viewed = true;
    view = new_view(block, array);
    leaf = view ? new_pair(bound.leaf_class, view, b->node) : NULL;
    Py_XDECREF(view);
    return leaf;
}

/* ---------------------------------------------------------------- the type */

static void read_block(Node *n, Block *b)
{
    int bit = block_bit(b);
    n->leaves[bit / 64] |= (uint64_t)1 << bit % 64;
}

static void read_node(Node *n, Node *below)
{
    n->leaves[0] |= below->leaves[0];
    n->leaves[1] |= below->leaves[1];
    n->depth = below->depth > n->depth ? below->depth : n->depth;
}

PyObject *new_node(PyObject *form, PyObject *args, int errstate)
{
    Node *n = args ? AS_NODE(new_instance(node_type)) : NULL;
    PyObject *reference = NULL;
    if (!n) {
        Py_XDECREF(args);
        return NULL;
    }
    Py_INCREF(form);
    n->form = form;
    n->args = args;
    n->errstate = errstate;
    for (Py_ssize_t i = 0, count = PyTuple_Size(args); i < count; i++) {
        PyObject *arg = PyTuple_GetItem(args, i), **readers;
        if (is_node(arg)) {
            read_node(n, AS_NODE(arg));
            readers = &AS_NODE(arg)->readers;
        } else if (is_view(arg) || is_leaf(arg)) {
            PyObject *view = is_leaf(arg) ? PyTuple_GetItem(arg, 0) : arg;
            Block *b = AS_BLOCK(PyTuple_GetItem(view, 0));
            read_block(n, b);
            if (view != arg)
                read_node(n, AS_NODE(PyTuple_GetItem(arg, 1)));
            readers = &b->readers;
        } else {
            continue;
        }
        if (!reference)
            reference = PyWeakref_NewRef((PyObject *)n, NULL);
        if (!reference || add_reader(readers, reference) < 0) {
            Py_CLEAR(n);
            break;
        }
    }
    Py_XDECREF(reference);
    if (n)
        n->depth++;
    return (PyObject *)n;
}

static PyObject *node_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    PyObject *form, *operands;
    int errstate;
    if (!PyArg_ParseTuple(args, "OO!i:Node", &form, &PyTuple_Type, &operands, &errstate))
        return NULL;
    Py_INCREF(operands);
    return new_node(form, operands, errstate);
}

#define FIELDS(X) X(form) X(args) X(owner) X(result) X(readers) X(trial)

static int node_traverse(PyObject *self, visitproc visit, void *arg)
{
    Node *n = AS_NODE(self);
    Py_VISIT(Py_TYPE(self));
#define VISIT(FIELD) Py_VISIT(n->FIELD);
    FIELDS(VISIT)
    return 0;
}

static int node_clear(PyObject *self)
{
    Node *n = AS_NODE(self);
#define CLEAR(FIELD) Py_CLEAR(n->FIELD);
    FIELDS(CLEAR)
    return 0;
}

static void node_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (AS_NODE(self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    node_clear(self);
    free_instance(self);
}

static int leaves(const Node *n)
{
    return __builtin_popcountll(n->leaves[0]) + __builtin_popcountll(n->leaves[1]);
}

bool is_due(PyObject *node)
{
    return AS_NODE(node)->errstate & AT_ONCE || AS_NODE(node)->depth > DEPTH_LIMIT ||
           leaves(AS_NODE(node)) > LEAF_LIMIT;
}

bool is_wanted(PyObject *node)
{
    PyObject *owner = referred(AS_NODE(node)->owner);
    if (!owner)
        return false;
    return (is_block(owner) ? AS_BLOCK(owner)->node : AS_HANDLE(owner)->node) == node;
}

static PyObject *get_readers(PyObject *self, void *closure)
{
    PyObject *readers = list_at(&AS_NODE(self)->readers);
    Py_XINCREF(readers);
    return readers;
}

static PyObject *get_leaves(PyObject *self, void *closure)
{
    return PyLong_FromLong(leaves(AS_NODE(self)));
}

static PyObject *get_due(PyObject *self, void *closure)
{
    return PyBool_FromLong(is_due(self));
}

static PyObject *get_wanted(PyObject *self, void *closure)
{
    return PyBool_FromLong(is_wanted(self));
}

static PyMemberDef members[] = {
    {"form", T_OBJECT, offsetof(Node, form), READONLY, NULL},
    {"args", T_OBJECT, offsetof(Node, args), READONLY, NULL},
    {"owner", T_OBJECT, offsetof(Node, owner), READONLY, NULL},
    {"result", T_OBJECT, offsetof(Node, result), READONLY, NULL},
    {"errstate", T_INT, offsetof(Node, errstate), 0, NULL},
    {"depth", T_INT, offsetof(Node, depth), READONLY, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Node, weakrefs), READONLY, NULL},
    {0},
};

static PyGetSetDef attributes[] = {
    {"readers", get_readers, NULL, "Weak references to the nodes that take this value.", NULL},
    {"leaves", get_leaves, NULL, "How many buffers are read below, or a few less.", NULL},
    {"due", get_due, NULL, "Whether it should run now (trueno/graph.py).", NULL},
    {"wanted", get_wanted, NULL, "Whether somebody alive waits for this value.", NULL},
    {0},
};

int make_node_type(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_doc, "One operation on operands: see trueno.graph."},
        {Py_tp_new, node_new},
        {Py_tp_traverse, node_traverse},
        {Py_tp_clear, node_clear},
        {Py_tp_dealloc, node_dealloc},
        {Py_tp_members, members},
        {Py_tp_getset, attributes},
        {0},
    };
    static PyType_Spec spec = {
        .name = "trueno._handle.Node",
        .basicsize = sizeof(Node),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    node_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!node_type || PyModule_AddIntConstant(module, "DEPTH_LIMIT", DEPTH_LIMIT) < 0)
        return -1;
    return PyModule_AddObjectRef(module, "Node", (PyObject *)node_type);
}

/* ---------------------------------------------------------------- pending writes */

int set_owner(PyObject *node, PyObject *owner)
{
    PyObject *reference = PyWeakref_NewRef(owner, NULL);
    if (!reference)
        return -1;
    replace(&AS_NODE(node)->owner, reference);
    Py_DECREF(reference);
    return 0;
}

PyObject *handle_waiting(PyObject *node, bool scalar)
{
    Handle *h = node ? blank_handle() : NULL;
    if (!h)
        return NULL;
    h->scalar = scalar;
    if (set_owner(node, (PyObject *)h) < 0) {
        Py_DECREF((PyObject *)h);
        return NULL;
    }
    Py_INCREF(node);
    h->node = node;
    return (PyObject *)h;
}

/* Gives the block a node whose value it waits for; `target` is where it goes. */
static int wait_for(Block *b, PyObject *node, PyObject *target)
{
    PyObject *readers = list_at(&AS_NODE(node)->readers);
    if (!readers || set_owner(node, (PyObject *)b) < 0)
        return -1;
    replace(&b->readers, readers); /* from now on both are one list */
    replace(&b->node, node);
    replace(&b->target, target);
    b->plain = false;
    return 0;
}

int await_value(PyObject *block, PyObject *node, PyObject *target)
{
    Block *b = AS_BLOCK(block);
    PyObject *before = list_at(&b->readers);
    if (!before)
        return -1;
    if (!b->node) {
        Py_INCREF(before);
    } else if (!list_at(&b->before) || !(before = PySequence_Concat(b->before, before))) {
        return -1;
    }
    for (Py_ssize_t i = 0; i < PyList_Size(before); i++) {
        PyObject *reader = pending_reader(before, i);
        if (reader && reader != node && AS_NODE(reader)->depth + STEP_BEFORE > AS_NODE(node)->depth)
            AS_NODE(node)->depth = AS_NODE(reader)->depth + STEP_BEFORE;
    }
    replace(&b->before, before);
    Py_DECREF(before);
    b->viewed = false;
    return wait_for(b, node, target);
}

/* Memory for values of so many bytes comes from the pool. */
static PyObject *fresh_memory(int n, const npy_intp *shape, const npy_intp *strides,
                              PyArray_Descr *dtype, PyObject **array)
{
    PyObject *block = NULL;
    npy_intp bytes = PyDataType_ELSIZE(dtype);
    for (int i = 0; i < n; i++)
        bytes *= shape[i];
    if (bytes >= bound.pooled_from) {
        block = PyObject_CallFunction(bound.pooled, "n", (Py_ssize_t)bytes);
        if (!block && !PyErr_ExceptionMatches(PyExc_MemoryError))
            return NULL;
        PyErr_Clear(); /* NumPy's error tells the shape and the dtype */
    }
    PyObject *root = block ? AS_BLOCK(block)->root : NULL;
    Py_INCREF((PyObject *)dtype);
    *array = PyArray_NewFromDescr(&PyArray_Type, dtype, n, (npy_intp *)shape, (npy_intp *)strides,
                                  root ? PyArray_DATA(AS_ARRAY(root)) : NULL,
                                  root ? NPY_ARRAY_WRITEABLE | NPY_ARRAY_ALIGNED : 0, NULL);
    if (*array && root) {
        Py_INCREF(root);
        if (PyArray_SetBaseObject(AS_ARRAY(*array), root) < 0)
            Py_CLEAR(*array);
    }
    if (*array && !block)
        block = new_block(*array);
    if (!*array || !block) {
        Py_CLEAR(*array);
        Py_CLEAR(block);
        return NULL;
    }
    replace(&AS_BLOCK(block)->whole, *array);
    return block;
}

/* A tuple of integers as lengths or strides; how many, or -1 with an error. */
static int read_tuple(PyObject *from, PyObject *name, npy_intp *to)
{
    PyObject *tuple = PyObject_GetAttr(from, name);
    Py_ssize_t n = tuple && PyTuple_CheckExact(tuple) ? PyTuple_Size(tuple) : NPY_MAXDIMS + 1;
    for (Py_ssize_t i = 0; i < n && n <= NPY_MAXDIMS; i++)
        to[i] = PyLong_AsSsize_t(PyTuple_GetItem(tuple, i));
    Py_XDECREF(tuple);
    return PyErr_Occurred() || n > NPY_MAXDIMS ? -1 : (int)n;
}

PyObject *fresh(PyObject *node, bool compact)
{
    npy_intp shape[NPY_MAXDIMS], strides[NPY_MAXDIMS];
    PyObject *form = AS_NODE(node)->form, *array = NULL, *view = NULL;
    int n = read_tuple(form, names.shape, shape);
    if (n < 0 || read_tuple(form, compact ? names.compact : names.strides, strides) != n)
        return NULL;
    PyObject *dtype = PyObject_GetAttr(form, names.dtype);
    PyObject *block =
        dtype ? fresh_memory(n, shape, strides, (PyArray_Descr *)dtype, &array) : NULL;
    if (block)
        view = new_view(block, array);
    Py_XDECREF(dtype);
    Py_XDECREF(block);
    Py_XDECREF(array);
    return view;
}

PyObject *pending_view(PyObject *node)
{
    PyObject *view = fresh(node, false);
    if (view && wait_for(AS_BLOCK(PyTuple_GetItem(view, 0)), node, PyTuple_GetItem(view, 1)) < 0)
        Py_CLEAR(view);
    return view;
}
