/* The type Handle: attributes, conversions to Python's numbers, and the module's functions. */
#define TRUENO_HANDLE_MODULE
#include "handle.h"

struct Bound bound;
struct Names names;

static PyTypeObject *handle_type;
static size_t handles_made;

/* ---------------------------------------------------------------- instances */

PyObject *new_instance(PyTypeObject *type)
{
    return ((allocfunc)PyType_GetSlot(type, Py_tp_alloc))(type, 0);
}

void free_instance(PyObject *self)
{
    PyTypeObject *type = Py_TYPE(self);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
}

void replace(PyObject **place, PyObject *value)
{
    PyObject *former = *place;
    if (value == Py_None)
        value = NULL;
    Py_XINCREF(value);
    *place = value;
    Py_XDECREF(former);
}

/* ---------------------------------------------------------------- states */

bool is_handle(PyObject *x)
{
    return PyObject_TypeCheck(x, handle_type);
}

PyObject *current(PyObject *handle)
{
    Handle *h = AS_HANDLE(handle);
    return h->buffer && !AS_BLOCK(h->buffer)->plain ? NULL : h->array;
}

PyObject *quiet(PyObject *handle)
{
    PyObject *array = current(handle);
    Block *b = AS_BLOCK(AS_HANDLE(handle)->buffer);
    if (array && b && b->readers && PyList_Size(b->readers) && forget_finished(b->readers) < 0)
        PyErr_Clear();
    bool read = b && b->readers && PyList_Size(b->readers);
    if (array && b && (read || (b->device && b->device != Py_None)))
        return NULL;
    return array;
}

PyObject *host_array(PyObject *handle)
{
    Handle *h = AS_HANDLE(handle);
    PyObject *array = current(handle);
    PyObject *node = h->node ? h->node : h->buffer ? AS_BLOCK(h->buffer)->node : NULL;
    if (!array && node) {
        if (evaluate(&node, 1, NULL) < 0)
            return NULL;
        array = current(handle);
    }
    Py_XINCREF(array);
    return array ? array : PyObject_CallFunctionObjArgs(bound.host, handle, NULL);
}

Handle *blank_handle(void)
{
    handles_made++;
    return AS_HANDLE(new_instance((PyTypeObject *)bound.result_class));
}

PyObject *new_handle(PyObject *array, PyObject *buffer, bool scalar)
{
    Handle *h = array ? blank_handle() : NULL;
    if (!h) {
        Py_XDECREF(array);
        return NULL;
    }
    h->array = array;
    if (buffer && buffer != Py_None) {
        Py_INCREF(buffer);
        h->buffer = buffer;
    }
    h->scalar = scalar;
    return (PyObject *)h;
}

/* Memory for a pending value that has none. */
static int give_memory(PyObject *self)
{
    Handle *h = AS_HANDLE(self);
    if (!h->node) {
        PyErr_SetString(PyExc_SystemError, "a handle has neither array nor node");
        return -1;
    }
    if (!lock_take())
        return -1;
    PyObject *view = h->node ? pending_view(h->node) : NULL;
    if (view) {
        replace(&h->array, PyTuple_GetItem(view, 1));
        replace(&h->buffer, PyTuple_GetItem(view, 0));
        replace(&h->node, NULL);
        Py_DECREF(view);
    }
    lock_give();
    return h->array ? 0 : -1;
}

/* ---------------------------------------------------------------- attributes */

static PyObject *new_or_none(PyObject *x)
{
    x = x ? x : Py_None;
    Py_INCREF(x);
    return x;
}

static PyObject *get_array(PyObject *self, void *closure)
{
    if (!AS_HANDLE(self)->array && give_memory(self) < 0)
        return NULL;
    return new_or_none(AS_HANDLE(self)->array);
}

static PyObject *get_buffer(PyObject *self, void *closure)
{
    if (!AS_HANDLE(self)->array && give_memory(self) < 0)
        return NULL;
    return new_or_none(AS_HANDLE(self)->buffer);
}

static PyObject *get_node(PyObject *self, void *closure)
{
    return new_or_none(AS_HANDLE(self)->node);
}

static int set_array(PyObject *self, PyObject *value, void *closure)
{
    if (!value || !PyArray_CheckExact(value)) {
        PyErr_SetString(PyExc_TypeError, "_array must be an ndarray");
        return -1;
    }
    replace(&AS_HANDLE(self)->array, value);
    return 0;
}

static int set_buffer(PyObject *self, PyObject *value, void *closure)
{
    if (!value || (value != Py_None && !is_block(value))) {
        PyErr_SetString(PyExc_TypeError, "_buffer must be a Buffer or None");
        return -1;
    }
    replace(&AS_HANDLE(self)->buffer, value);
    return 0;
}

static int set_node(PyObject *self, PyObject *value, void *closure)
{
    replace(&AS_HANDLE(self)->node, value);
    return 0;
}

/* What has shape, strides and dtype: the array, or the form of the node that has none yet. New. */
static PyObject *get_layout(PyObject *self, void *closure)
{
    Handle *h = AS_HANDLE(self);
    return h->node ? PyObject_GetAttr(h->node, names.form) : get_array(self, NULL);
}

static PyObject *of_layout(PyObject *self, void *name)
{
    PyObject *layout = get_layout(self, NULL);
    PyObject *value = layout ? PyObject_GetAttr(layout, *(PyObject **)name) : NULL;
    Py_XDECREF(layout);
    return value;
}

static int set_layout(PyObject *self, PyObject *value, void *name)
{
    if (!value) {
        PyErr_Format(PyExc_AttributeError, "Cannot delete array %U", *(PyObject **)name);
        return -1;
    }
    PyObject *done = PyObject_CallFunctionObjArgs(bound.set_layout, self, *(PyObject **)name,
                                                  value, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static PyGetSetDef attributes[] = {
    {"_array", get_array, set_array, NULL, NULL},
    {"_buffer", get_buffer, set_buffer, NULL, NULL},
    {"_node", get_node, set_node, NULL, NULL},
    {"_layout", get_layout, NULL,
     "What has the shape, strides and dtype: no memory is made to tell them.", NULL},
    {"shape", of_layout, set_layout, "Lengths of the axes.", &names.shape},
    {"dtype", of_layout, set_layout, "The elements' dtype, a ``numpy.dtype``.", &names.dtype},
    {"ndim", of_layout, NULL, "Number of axes.", &names.ndim},
    {"size", of_layout, NULL, "Number of elements.", &names.size},
    {"itemsize", of_layout, NULL, "Bytes an element.", &names.itemsize},
    {"nbytes", of_layout, NULL, "Bytes of all elements.", &names.nbytes},
    {"strides", of_layout, set_layout, "Bytes from one element to the next along each axis.",
     &names.strides},
    {0},
};

static PyMemberDef members[] = {
    {"_scalar", T_BOOL, offsetof(Handle, scalar), 0, NULL},
    {"__weaklistoffset__", T_PYSSIZET, offsetof(Handle, weakrefs), READONLY, NULL},
    {0},
};

static void handle_dealloc(PyObject *self)
{
    Handle *h = AS_HANDLE(self);
    if (h->weakrefs)
        PyObject_ClearWeakRefs(self);
    /* The array first, so that its buffer sees itself unshared. */
    Py_CLEAR(h->array);
    Py_CLEAR(h->buffer);
    Py_CLEAR(h->node);
    free_instance(self);
}

/* ---------------------------------------------------------------- Python's numbers */

#define BY_ARRAY(NAME, TYPE, FAILURE, CONVERSION)                                                  \
    static TYPE handle_##NAME(PyObject *self)                                                      \
    {                                                                                              \
        PyObject *array = host_array(self);                                                        \
        TYPE value = array ? CONVERSION(array) : FAILURE;                                          \
        Py_XDECREF(array);                                                                         \
        return value;                                                                              \
    }
BY_ARRAY(float, PyObject *, NULL, PyNumber_Float)
BY_ARRAY(int, PyObject *, NULL, PyNumber_Long)
BY_ARRAY(index, PyObject *, NULL, PyNumber_Index)
BY_ARRAY(bool, int, -1, PyObject_IsTrue)

static Py_ssize_t handle_length(PyObject *self)
{
    PyObject *array = get_array(self, NULL);
    Py_ssize_t length = array ? PyObject_Size(array) : -1;
    Py_XDECREF(array);
    return length;
}

/* ---------------------------------------------------------------- the module */

static PyObject *module_wrap(PyObject *module, PyObject *array)
{
    if (!PyArray_Check(array)) {
        PyErr_SetString(PyExc_TypeError, "wrap: an ndarray is expected");
        return NULL;
    }
    Py_INCREF(array);
    return new_handle(array, NULL, false);
}

static PyObject *module_handle_on(PyObject *module, PyObject *args)
{
    PyObject *array, *buffer;
    int scalar = 0;
    if (!PyArg_ParseTuple(args, "O!O|p:handle_on", &PyArray_Type, &array, &buffer, &scalar))
        return NULL;
    if (buffer != Py_None && !is_block(buffer)) {
        PyErr_SetString(PyExc_TypeError, "handle_on: a Buffer or None is expected");
        return NULL;
    }
    Py_INCREF(array);
    return new_handle(array, buffer, scalar);
}

static PyObject *module_buffer_of(PyObject *module, PyObject *handle)
{
    if (!is_handle(handle)) {
        PyErr_SetString(PyExc_TypeError, "buffer_of: a Handle is expected");
        return NULL;
    }
    PyObject *array = get_array(handle, NULL);
    PyObject *block = array ? block_of(handle) : NULL;
    Py_XDECREF(array);
    Py_XINCREF(block);
    return block;
}

static PyObject *module_handle_for(PyObject *module, PyObject *args)
{
    PyObject *node;
    int scalar;
    if (!PyArg_ParseTuple(args, "Op:handle_for", &node, &scalar))
        return NULL;
    return handle_waiting(node, scalar);
}

static PyObject *module_pending_view(PyObject *module, PyObject *node)
{
    return pending_view(node);
}

static PyObject *module_capture(PyObject *module, PyObject *args)
{
    PyObject *array, *buffer;
    if (!PyArg_ParseTuple(args, "O!O:capture", &PyArray_Type, &array, &buffer))
        return NULL;
    return capture(array, buffer);
}

static PyObject *module_conditions_now(PyObject *module, PyObject *unused)
{
    PyObject *known = conditions_now();
    Py_XINCREF(known);
    return known;
}

static PyObject *module_bind(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static const struct {
        const char *name;
        PyObject **place;
    } places[] = {
#define PLACE(NAME) {#NAME, &bound.NAME},
        BOUND(PLACE)
#undef PLACE
    };
    PyObject *name, *value;
    Py_ssize_t at = 0;
    while (kwargs && PyDict_Next(kwargs, &at, &name, &value)) {
        size_t i = 0, n = sizeof places / sizeof *places;
        while (i < n && PyUnicode_CompareWithASCIIString(name, places[i].name))
            i++;
        if (i < n)
            replace(places[i].place, value);
        else if (!PyUnicode_CompareWithASCIIString(name, "pooled_from"))
            bound.pooled_from = PyLong_AsSsize_t(value);
        else if (!PyUnicode_CompareWithASCIIString(name, "run"))
            bound.run = PyLong_AsSsize_t(value);
        else
            return PyErr_Format(PyExc_TypeError, "bind: unknown %R", name);
        if (PyErr_Occurred() || (value == bound.operators && bind_operators() < 0) ||
            (value == bound.reductions && bind_reductions() < 0))
            return NULL;
    }
    return new_or_none(NULL);
}

/* An ndarray over the memory of another that keeps `base` alive. As `base` is no ndarray, NumPy
 * does not look through it: every view of the result keeps it alive too. */
static PyObject *module_exported(PyObject *module, PyObject *args)
{
    PyObject *array, *base;
    if (!PyArg_ParseTuple(args, "O!O:exported", &PyArray_Type, &array, &base))
        return NULL;
    PyArrayObject *a = AS_ARRAY(array);
    PyArray_Descr *dtype = PyArray_DESCR(a);
    Py_INCREF((PyObject *)dtype);
    PyObject *result = PyArray_NewFromDescr(
        &PyArray_Type, dtype, PyArray_NDIM(a), PyArray_DIMS(a), PyArray_STRIDES(a),
        PyArray_DATA(a), PyArray_FLAGS(a) & ~NPY_ARRAY_OWNDATA, NULL);
    Py_INCREF(base);
    if (!result)
        Py_DECREF(base);
    else if (PyArray_SetBaseObject(AS_ARRAY(result), base) < 0)
        Py_CLEAR(result);
    return result;
}

static PyObject *module_made(PyObject *module, PyObject *unused)
{
    return PyLong_FromSize_t(handles_made);
}

static PyMethodDef functions[] = {
    {"wrap", module_wrap, METH_O, "A handle on an ndarray that nobody else holds."},
    {"handle_on", module_handle_on, METH_VARARGS, "A handle on an array over a buffer's memory."},
    {"handle_for", module_handle_for, METH_VARARGS,
     "A handle that waits for a node's value, without memory as long as nobody asks for it."},
    {"made", module_made, METH_NOARGS, "How many handles were made so far."},
    {"buffer_of", module_buffer_of, METH_O,
     "The handle's buffer, made now if nothing needed it before."},
    {"pending_view", module_pending_view, METH_O,
     "A view of new memory that waits for a node's value."},
    {"capture", module_capture, METH_VARARGS,
     "An operand for a new node: the elements that an array shows of a buffer, as of now."},
    {"conditions_now", module_conditions_now, METH_NOARGS,
     "What is known of conditions under the present numpy.errstate and warnings filters: a dict."},
    {"gathered", module_gathered, METH_VARARGS,
     "gathered(op, operands, into): what decides a call on the host, as bytes; its operands for a\n"
     "node; whether one pends. None where Python must look at the call."},
    {"deferred", (PyCFunction)(void (*)(void))module_deferred, METH_FASTCALL,
     "An operation on operands as a handle; None where Python must look at the call."},
    {"write", module_write, METH_VARARGS,
     "An operation whose value is written to an array, queued; False where Python must look."},
    {"walk", module_walk, METH_VARARGS, "The pending nodes below some: the parts of a Graph."},
    {"evaluate", (PyCFunction)(void (*)(void))module_evaluate, METH_FASTCALL,
     "evaluate(nodes, spared=None): computes nodes and stores their values, safe to call from\n"
     "several threads. ``spared`` need not be stored, though somebody waits for it."},
    {"exported", module_exported, METH_VARARGS,
     "An ndarray over an array's memory, whose base is another object."},
    {"raise_swallowed", raise_swallowed, METH_O,
     "Raises what NumPy swallowed when it asked for the handle's buffer, if this was just now."},
    {"small", (PyCFunction)(void (*)(void))small, METH_FASTCALL,
     "A function of small operands by NumPy, as a handle; NotImplemented for others."},
    {"keep_warm", keep_warm, METH_O, "Keeps so many bytes of dead ndarrays' memory for new ones."},
    {"replace_loop", replace_loop, METH_VARARGS,
     "Puts another inner loop in the place of a ufunc's."},
    {"method", new_method, METH_VARARGS,
     "A method of TruenoArray: ndarray's on a small array, a Python function on others."},
    {"public", new_public, METH_VARARGS, "A function of a namespace, as users call it."},
    {"settings_from", settings_from, METH_VARARGS, "Names where settings come from."},
    {"settings", settings_now, METH_NOARGS, "The settings in force."},
    {"importer", new_importer, METH_VARARGS,
     "An import function whose results another function may replace where NumPy is imported."},
    {"bind", (PyCFunction)(void (*)(void))module_bind, METH_VARARGS | METH_KEYWORDS,
     "Names the Python functions that calls go to, and what tells small calls."},
    {0},
};

static PyMethodDef methods[] = {
    {"__array_ufunc__", (PyCFunction)(void (*)(void))handle_array_ufunc,
     METH_VARARGS | METH_KEYWORDS, "NumPy's ufuncs on our arrays: every method of a ufunc."},
    {"__array_function__", (PyCFunction)(void (*)(void))handle_array_function, METH_FASTCALL,
     "NumPy's functions on our arrays: our implementation, or NumPy's, counted."},
    {0},
};

static const PyType_Slot own_slots[] = {
    {Py_tp_doc, "An ndarray over memory whose contents may be pending or on a GPU."},
    {Py_tp_dealloc, handle_dealloc},
    {Py_tp_getset, attributes},
    {Py_tp_members, members},
    {Py_tp_methods, methods},
    {Py_nb_float, handle_float},
    {Py_nb_int, handle_int},
    {Py_nb_index, handle_index},
    {Py_nb_bool, handle_bool},
    {Py_mp_length, handle_length},
    {0},
};

static int make_type(PyObject *module)
{
    const PyType_Slot *const parts[] = {own_slots, operator_slots, item_slots, buffer_slots};
    PyType_Slot slots[64] = {{0}};
    int count = 0;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        for (const PyType_Slot *slot = parts[i]; slot->slot; slot++)
            slots[count++] = *slot;
    PyType_Spec spec = {
        .name = "trueno._handle.Handle",
        .basicsize = sizeof(Handle),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    handle_type = (PyTypeObject *)PyType_FromSpec(&spec);
    if (!handle_type)
        return -1;
    return PyModule_AddObjectRef(module, "Handle", (PyObject *)handle_type);
}

static int intern_names(void)
{
#define INTERN(NAME, TEXT)                                                                         \
    if (!(names.NAME = PyUnicode_InternFromString(TEXT)))                                          \
        return -1;
    NAMES(INTERN)
    return 0;
}

PyMODINIT_FUNC PyInit__handle(void)
{
    static struct PyModuleDef definition = {
        PyModuleDef_HEAD_INIT, "_handle", NULL, -1, functions, NULL, NULL, NULL, NULL,
    };
    import_array();
    PyObject *module = PyModule_Create(&definition);
    if (module && (intern_names() < 0 || make_type(module) < 0 || make_method_type() < 0 ||
                   make_public_type() < 0 || make_importer_type() < 0 ||
                   make_block_type(module) < 0 || make_node_type(module) < 0))
        Py_CLEAR(module);
    return module;
}
