/* Block: the fields of memory.Storage and graph.Buffer, where their meaning stands. A buffer is
 * made for every array of which somebody takes a view, and looked at by every call on it. */
#include "handle.h"

static PyTypeObject *block_type;

bool is_block(PyObject *x)
{
    return PyObject_TypeCheck(x, block_type);
}

#define FIELDS(X)                                                                                  \
    X(root) X(device) X(whole) X(node) X(target) X(before) X(readers) X(exports) X(pin) X(owner)

static void own(Block *b, PyObject *root, PyObject *whole)
{
    replace(&b->root, root);
    replace(&b->whole, whole);
    replace(&b->pin, names.automatic);
    b->host_valid = b->plain = true;
}

static int block_init(PyObject *self, PyObject *args, PyObject *kwargs)
{
    static char *keys[] = {"root", "whole", NULL};
    PyObject *root, *whole = Py_None;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|O:Block", keys, &root, &whole))
        return -1;
    own(AS_BLOCK(self), root, whole == Py_None ? root : whole);
    return 0;
}

PyObject *new_block(PyObject *root)
{
    PyObject *block = new_instance((PyTypeObject *)bound.buffer_class);
    if (block)
        own(AS_BLOCK(block), root, root);
    return block;
}

PyObject *block_of(PyObject *handle)
{
    Handle *h = AS_HANDLE(handle);
    if (!h->buffer) {
        PyObject *root = h->array, *base;
        while ((base = PyArray_BASE(AS_ARRAY(root))) && PyArray_CheckExact(base))
            root = base;
        h->buffer = new_block(root);
        if (h->buffer && !(AS_BLOCK(h->buffer)->owner = PyWeakref_NewRef(handle, NULL)))
            Py_CLEAR(h->buffer);
    }
    return h->buffer;
}

void block_update(Block *b)
{
    b->plain = !b->node && b->host_valid && b->pin == names.automatic;
}

int block_bit(Block *b)
{
    static int next;
    if (!b->bit)
        b->bit = 1 + next++ % 128;
    return b->bit - 1;
}

static int block_traverse(PyObject *self, visitproc visit, void *arg)
{
    Block *b = AS_BLOCK(self);
    Py_VISIT(Py_TYPE(self));
#define VISIT(FIELD) Py_VISIT(b->FIELD);
    FIELDS(VISIT)
    return 0;
}

static int block_clear(PyObject *self)
{
    Block *b = AS_BLOCK(self);
#define CLEAR(FIELD) Py_CLEAR(b->FIELD);
    FIELDS(CLEAR)
    return 0;
}

/* Memory that the pool may take back goes there. */
static void release(Block *b)
{
    PyObject *root = b->root, *type, *error, *traceback;
    Py_CLEAR(b->target);
    Py_CLEAR(b->whole);
    if (!root || !bound.release || !PyArray_Check(root) ||
        PyArray_NBYTES(AS_ARRAY(root)) < bound.pooled_from)
        return;
    PyErr_Fetch(&type, &error, &traceback);
    PyObject *done = PyObject_CallFunctionObjArgs(bound.release, root, NULL);
    if (!done)
        PyErr_WriteUnraisable(bound.release);
    Py_XDECREF(done);
    PyErr_Restore(type, error, traceback);
}

static void block_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    if (AS_BLOCK(self)->weakrefs)
        PyObject_ClearWeakRefs(self);
    release(AS_BLOCK(self));
    block_clear(self);
    free_instance(self);
}

/* Lists are made when they are first asked for. */
static PyObject *get_list(PyObject *self, void *offset)
{
    PyObject *list = list_at((PyObject **)((char *)self + (size_t)offset));
    Py_XINCREF(list);
    return list;
}

static int set_list(PyObject *self, PyObject *value, void *offset)
{
    PyObject **list = (PyObject **)((char *)self + (size_t)offset);
    if (!value || !PyList_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "a list is expected");
        return -1;
    }
    replace(list, value);
    return 0;
}

static PyObject *get_pin(PyObject *self, void *closure)
{
    Py_INCREF(AS_BLOCK(self)->pin);
    return AS_BLOCK(self)->pin;
}

/* "auto" is always the same object, for C to compare with. */
static int set_pin(PyObject *self, PyObject *value, void *closure)
{
    if (!value || !PyUnicode_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "pin must be a string");
        return -1;
    }
    bool automatic = PyUnicode_Compare(value, names.automatic) == 0;
    replace(&AS_BLOCK(self)->pin, automatic ? names.automatic : value);
    return 0;
}

static PyObject *update(PyObject *self, PyObject *unused)
{
    block_update(AS_BLOCK(self));
    Py_RETURN_NONE;
}

static PyObject *await(PyObject *self, PyObject *args)
{
    PyObject *node, *target;
    if (!PyArg_ParseTuple(args, "OO!:await_value", &node, &PyArray_Type, &target) ||
        await_value(self, node, target) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"update", update, METH_NOARGS, "Recomputes ``plain`` after a change of state."},
    {"await_value", await, METH_VARARGS,
     "Queues the write ``target`` = value of ``node``. A write that pends already must have the "
     "same target: the new one takes its place."},
    {0},
};

static PyMemberDef members[] = {
    {"root", T_OBJECT, offsetof(Block, root), 0, NULL},
    {"device", T_OBJECT, offsetof(Block, device), 0, NULL},
    {"whole", T_OBJECT, offsetof(Block, whole), 0, NULL},
    {"node", T_OBJECT, offsetof(Block, node), 0, NULL},
    {"target", T_OBJECT, offsetof(Block, target), 0, NULL},
    {"owner", T_OBJECT, offsetof(Block, owner), READONLY, NULL},
    {"host_valid", T_BOOL, offsetof(Block, host_valid), 0, NULL},
    {"device_valid", T_BOOL, offsetof(Block, device_valid), 0, NULL},
    {"foreign", T_BOOL, offsetof(Block, foreign), 0, NULL},
    {"viewed", T_BOOL, offsetof(Block, viewed), 0, NULL},
    {"plain", T_BOOL, offsetof(Block, plain), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Block, weakrefs), READONLY, NULL},
    {0},
};

static PyGetSetDef attributes[] = {
    {"pin", get_pin, set_pin, NULL, NULL},
    {"before", get_list, set_list, NULL, (void *)offsetof(Block, before)},
    {"readers", get_list, set_list, NULL, (void *)offsetof(Block, readers)},
    {"exports", get_list, set_list, NULL, (void *)offsetof(Block, exports)},
    {0},
};

int make_block_type(PyObject *module)
{
    static PyType_Slot slots[] = {
        {Py_tp_doc, "The fields of memory.Storage and graph.Buffer."},
        {Py_tp_init, block_init},
        {Py_tp_traverse, block_traverse},
        {Py_tp_clear, block_clear},
        {Py_tp_dealloc, block_dealloc},
        {Py_tp_members, members},
        {Py_tp_methods, methods},
        {Py_tp_getset, attributes},
        {0},
    };
    static PyType_Spec spec = {
        .name = "trueno._handle.Block",
        .basicsize = sizeof(Block),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    block_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return block_type ? PyModule_AddObjectRef(module, "Block", (PyObject *)block_type) : -1;
}
