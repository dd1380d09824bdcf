/* The settings in force, and what they make of a result before users see it. */
#include "handle.h"

/* ---------------------------------------------------------------- the settings in force */

/* `get(none)` tells a context's settings, or `none` where it has none of its own; it is not asked
 * before somebody has scoped some. */
static PyObject *get, *defaults;

/* settings_from(get, defaults): where they come from. `get` is None as long as none are scoped. */
PyObject *settings_from(PyObject *module, PyObject *args)
{
    PyObject *from, *usual;
    if (!PyArg_ParseTuple(args, "OO:settings_from", &from, &usual))
        return NULL;
    replace(&get, from);
    replace(&defaults, usual);
    Py_RETURN_NONE;
}

PyObject *settings_now(PyObject *module, PyObject *unused)
{
    if (!defaults)
        return PyErr_Format(PyExc_RuntimeError, "trueno.config is not imported");
    if (get) {
        PyObject *scoped = PyObject_CallFunctionObjArgs(get, Py_None, NULL);
        if (scoped != Py_None)
            return scoped;
        Py_DECREF(scoped);
    }
    Py_INCREF(defaults);
    return defaults;
}

/* The value of a settings' field as a number; of the backend, an address that stands for it. */
static double field(PyObject *from, PyObject *name)
{
    PyObject *value = PyObject_GetAttr(from, name);
    double number = value ? PyFloat_AsDouble(value) : -1;
    Py_XDECREF(value);
    return number;
}

static bool read_settings(Settings *to, PyObject *from)
{
    PyObject *backend = PyObject_GetAttr(from, names.backend);
    if (!backend)
        return false;
    PyUnicode_InternInPlace(&backend); /* equal names are one object, which is kept */
    *to = (Settings){
        .threshold = field(from, names.threshold),
        .backend = (int64_t)backend,
        .threads = (int)field(from, names.threads),
        .dropin = field(from, names.dropin) != 0,
        .watched = field(from, names.validate) != 0 || field(from, names.debug) != 0,
    };
    return !PyErr_Occurred();
}

const Settings *settings(void)
{
    static PyObject *last; /* settings never change: new ones take their place */
    static Settings read;
    PyObject *now = settings_now(NULL, NULL);
    if (now && now != last) {
        if (!read_settings(&read, now)) {
            Py_DECREF(now);
            return NULL;
        }
        replace(&last, now);
    }
    Py_XDECREF(now);
    return now ? &read : NULL;
}

double threshold(void)
{
    const Settings *now = settings();
    return now ? now->threshold : -1;
}

/* ---------------------------------------------------------------- results for users */

/* How many of our functions the thread is in: what they give each other are handles. */
_Thread_local int inside;

bool drops_in(void)
{
    const Settings *now = settings();
    if (!now)
        PyErr_Clear();
    return now && now->dropin;
}

bool gives_scalars(void)
{
    return !inside && drops_in();
}

static bool is_scalar_handle(PyObject *x)
{
    return ours(x) && AS_HANDLE(x)->scalar;
}

/* NumPy's scalar in the place of a handle on one; other objects stay. New. */
static PyObject *numpys_scalar(PyObject *x)
{
    if (!is_scalar_handle(x)) {
        Py_INCREF(x);
        return x;
    }
    PyObject *array = host_array(x);
    PyObject *value = array ? PyArray_ToScalar(PyArray_DATA(AS_ARRAY(array)), AS_ARRAY(array)) : 0;
    Py_XDECREF(array);
    return value;
}

static PyObject *scalars_in(PyObject *tuple)
{
    Py_ssize_t n = PyTuple_Size(tuple);
    PyObject *items = PyTuple_New(n), *result = items;
    for (Py_ssize_t i = 0; items && i < n; i++) {
        PyObject *item = numpys_scalar(PyTuple_GetItem(tuple, i));
        if (!item || PyTuple_SetItem(items, i, item) < 0)
            Py_CLEAR(items);
    }
    if (items && !PyTuple_CheckExact(tuple)) { /* a named tuple */
        result = PyObject_CallObject((PyObject *)Py_TYPE(tuple), items);
        Py_DECREF(items);
        return result;
    }
    return items;
}

PyObject *left(PyObject *result)
{
    inside--;
    if (!result || inside)
        return result;
    bool several = PyTuple_Check(result), any = is_scalar_handle(result);
    for (Py_ssize_t i = 0, n = several ? PyTuple_Size(result) : 0; i < n && !any; i++)
        any = is_scalar_handle(PyTuple_GetItem(result, i));
    if (!any || !gives_scalars())
        return result;
    PyObject *value = several ? scalars_in(result) : numpys_scalar(result);
    Py_DECREF(result);
    return value;
}

/* ---------------------------------------------------------------- functions of a namespace */

/* A Python function as users call it, and NumPy's function that it stands for, or NULL. It is equal
 * to that one, so that tables of functions, and whoever asks which one a protocol passed, find it. */
typedef struct {
    PyObject_HEAD
    PyObject *function, *module, *numpys;
} Public;

static PyTypeObject *public_type;

/* public(function, module, numpys=None): `module` names the namespace that it is a member of. */
PyObject *new_public(PyObject *module, PyObject *args)
{
    PyObject *function, *home, *numpys = Py_None;
    if (!PyArg_ParseTuple(args, "OO|O:public", &function, &home, &numpys))
        return NULL;
    Public *p = (Public *)new_instance(public_type);
    if (p) {
        Py_INCREF(function);
        Py_INCREF(home);
        p->function = function;
        p->module = home;
        replace(&p->numpys, numpys);
    }
    return (PyObject *)p;
}

/* Whether `x` is of a class that has its own meaning of NumPy's functions: a subclass of ndarray, or
 * another library's array. */
static bool is_others(PyObject *x)
{
    if (ours(x) || PyArray_CheckExact(x) || PyLong_CheckExact(x) || PyFloat_CheckExact(x) ||
        PyUnicode_CheckExact(x) || x == Py_None || PyType_Check(x) || PyArray_CheckScalar(x))
        return false;
    return PyArray_Check(x) || PyObject_HasAttr((PyObject *)Py_TYPE(x), names.array_function);
}

enum { FEW_ITEMS = 64 }; /* in sequences as long as those of arrays are */

static bool others_in(PyObject *x)
{
    bool tuple = PyTuple_CheckExact(x);
    if (!tuple && !PyList_CheckExact(x))
        return is_others(x);
    Py_ssize_t n = tuple ? PyTuple_Size(x) : PyList_Size(x);
    for (Py_ssize_t i = 0; i < n && n <= FEW_ITEMS; i++)
        if (is_others(tuple ? PyTuple_GetItem(x, i) : PyList_GetItem(x, i)))
            return true;
    return false;
}

static bool concerns_others(PyObject *args, PyObject *kwargs)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    for (Py_ssize_t i = 0, n = PyTuple_Size(args); i < n; i++)
        if (others_in(PyTuple_GetItem(args, i)))
            return true;
    while (kwargs && PyDict_Next(kwargs, &at, &key, &value))
        if (is_others(value))
            return true;
    return false;
}

static PyObject *public_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Public *p = (Public *)self;
    if (!p->numpys || !concerns_others(args, kwargs))
        return SLOWLY(PyObject_Call(p->function, args, kwargs));
    PyObject *named = kwargs ? kwargs : Py_None;
    return SLOWLY(PyObject_CallFunctionObjArgs(bound.others, p->numpys, args, named, NULL));
}

static PyObject *public_compare(PyObject *self, PyObject *other, int operation)
{
    PyObject *numpys = ((Public *)self)->numpys;
    if (operation != Py_EQ && operation != Py_NE)
        Py_RETURN_NOTIMPLEMENTED;
    bool other_is_public = Py_TYPE(other) == public_type;
    PyObject *others = other_is_public ? ((Public *)other)->numpys : other;
    bool equal = self == other || (numpys && numpys == others);
    return PyBool_FromLong(equal == (operation == Py_EQ));
}

static Py_hash_t public_hash(PyObject *self)
{
    PyObject *numpys = ((Public *)self)->numpys;
    return PyObject_Hash(numpys ? numpys : ((Public *)self)->function);
}

static PyObject *public_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((Public *)self)->function, name);
}

static PyObject *public_doc(PyObject *self, void *closure)
{
    return PyObject_GetAttrString(((Public *)self)->function, "__doc__");
}

static PyObject *public_repr(PyObject *self)
{
    return PyObject_Repr(((Public *)self)->function);
}

/* For pickling: the member of the namespace of that name. */
static PyObject *public_reduce(PyObject *self, PyObject *unused)
{
    return PyObject_GetAttr(((Public *)self)->function, names.name);
}

static void public_dealloc(PyObject *self)
{
    PyObject_GC_UnTrack(self);
    Py_CLEAR(((Public *)self)->function);
    Py_CLEAR(((Public *)self)->module);
    Py_CLEAR(((Public *)self)->numpys);
    free_instance(self);
}

static int public_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Public *)self)->function);
    Py_VISIT(((Public *)self)->module);
    Py_VISIT(((Public *)self)->numpys);
    return 0;
}

int make_public_type(void)
{
    static PyMemberDef members[] = {
        {"__wrapped__", T_OBJECT_EX, offsetof(Public, function), READONLY, NULL},
        {"__module__", T_OBJECT_EX, offsetof(Public, module), READONLY, NULL},
        {0},
    };
    static PyGetSetDef attributes[] = {{"__doc__", public_doc, NULL, NULL, NULL}, {0}};
    static PyMethodDef methods[] = {{"__reduce__", public_reduce, METH_NOARGS, NULL}, {0}};
    static PyType_Slot slots[] = {
        {Py_tp_call, public_call},         {Py_tp_getattro, public_getattr},
        {Py_tp_dealloc, public_dealloc},   {Py_tp_traverse, public_traverse},
        {Py_tp_repr, public_repr},         {Py_tp_members, members},
        {Py_tp_richcompare, public_compare}, {Py_tp_hash, public_hash},
        {Py_tp_getset, attributes},        {Py_tp_methods, methods},
        {0},
    };
    static PyType_Spec spec = {
        .name = "trueno._handle.public",
        .basicsize = sizeof(Public),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
        .slots = slots,
    };
    public_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return public_type ? 0 : -1;
}
