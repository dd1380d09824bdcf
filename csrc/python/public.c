/* The functions of our namespaces, as users call them. */
#include "handle.h"

/* What a call of small operands is: none that NumPy may do, a ufunc's, a function's on our arrays,
 * or one that makes an array of numbers. */
enum { OURS_ALONE, OF_UFUNC, OF_FUNCTION, OF_NUMBERS };

enum { FEW_ITEMS = 64 }; /* in sequences as long as those of arrays are */

/* A Python function as users call it, and NumPy's function that it stands for, or NULL. It is
 * equal to that one, so that tables of functions, and whoever asks which one a protocol passed,
 * find it. `own` is what `numpys` calls once it knows that no argument overrides it; `small` says
 * which small calls mean the same. */
typedef struct {
    PyObject_HEAD
    PyObject *function, *module, *numpys, *own;
    const Loops *loops; /* looked up at the first call, when the table is bound */
    int small, nin;
    bool looked_up;
} Public;

static PyTypeObject *public_type;

/* public(function, module, numpys=None, small=0, nin=0): `module` names the namespace that it is a
 * member of, `nin` is a ufunc's. */
PyObject *new_public(PyObject *module, PyObject *args)
{
    PyObject *function, *home, *numpys = Py_None;
    int small = OURS_ALONE, nin = 0;
    if (!PyArg_ParseTuple(args, "OO|Oii:public", &function, &home, &numpys, &small, &nin))
        return NULL;
    Public *p = (Public *)new_instance(public_type);
    if (p) {
        Py_INCREF(function);
        Py_INCREF(home);
        p->function = function;
        p->module = home;
        replace(&p->numpys, numpys);
        p->own = own_function(numpys);
        p->small = small;
        p->nin = nin;
    }
    return (PyObject *)p;
}

/* Whether `x` is of a class that has its own meaning of NumPy's functions: a subclass of ndarray,
 * or another library's array. */
static bool is_others(PyObject *x)
{
    if (ours(x) || PyArray_CheckExact(x) || PyLong_CheckExact(x) || PyFloat_CheckExact(x) ||
        PyUnicode_CheckExact(x) || x == Py_None || PyType_Check(x) || PyArray_IsScalar(x, Generic))
        return false;
    PyObject *type = (PyObject *)Py_TYPE(x);
    return PyArray_Check(x) || PyObject_HasAttr(type, names.array_function) ||
           PyObject_HasAttr(type, names.array_wrap);
}

static bool others_in(PyObject *x)
{
    Py_ssize_t n = item_count(x);
    if (n < 0)
        return is_others(x);
    for (Py_ssize_t i = 0; i < n && n <= FEW_ITEMS; i++)
        if (is_others(item_at(x, i)))
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

/* ---------------------------------------------------------------- small calls */

static bool holds_ours(PyObject *args)
{
    for (Py_ssize_t i = 0, n = PyTuple_Size(args); i < n; i++) {
        PyObject *x = PyTuple_GetItem(args, i);
        if (ours(x))
            return true;
        for (Py_ssize_t j = 0, m = item_count(x); j < m && j < FEW_ITEMS; j++)
            if (ours(item_at(x, j)))
                return true;
    }
    return false;
}

/* Whether `x` is a number, a dtype, a text or a sequence of those, nested at most `deep` times. */
static bool of_numbers(PyObject *x, int deep)
{
    Py_ssize_t n = item_count(x);
    if (n < 0)
        return is_number(x) || x == Py_None || PyUnicode_CheckExact(x) || PyType_Check(x) ||
               PyArray_DescrCheck(x);
    for (Py_ssize_t i = 0; i < n; i++)
        if (!deep || !of_numbers(item_at(x, i), deep - 1))
            return false;
    return true;
}

/* The call by NumPy, if it is small and no argument is the standard's own; NULL, perhaps with an
 * error, otherwise. */
static PyObject *small_call(Public *p, PyObject *args, PyObject *kwargs)
{
    if (p->small == OURS_ALONE || (kwargs && (PyDict_GetItem(kwargs, names.device) ||
                                              PyDict_GetItem(kwargs, names.like))))
        return NULL;
    if (p->small == OF_UFUNC) {
        bool inputs_alone = PyTuple_Size(args) == p->nin;
        const Gains *gains = inputs_alone ? gains_in(bound.ufuncs, p->numpys) : NULL;
        if (!p->looked_up)
            p->loops = loops_of_row(p->numpys);
        p->looked_up = true;
        return gains ? small_ufunc(p->numpys, p->loops, args, 0, kwargs, gains) : NULL;
    }
    if (p->small == OF_FUNCTION)
        return holds_ours(args) ? small_function(p->numpys, p->own, args, kwargs) : NULL;
    if (!of_numbers(args, MOST_NESTED + 1) || !are_simple(kwargs))
        return NULL;
    PyObject *made = PyObject_Call(p->numpys, args, kwargs);
    if (!made || PyArray_CheckExact(made))
        return wrapped(made);
    Py_DECREF(made); /* with something beside it */
    return NULL;
}

static PyObject *public_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Public *p = (Public *)self;
    PyObject *result = small_call(p, args, kwargs);
    if (result)
        return result;
    if (PyErr_Occurred()) { /* our function raises it with its name, or knows better */
        if (!PyErr_ExceptionMatches(PyExc_Exception))
            return NULL;
        PyErr_Clear();
    }
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
    Public *p = (Public *)self;
    return PyObject_Repr(p->numpys && drops_in() ? p->numpys : p->function);
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
    Py_CLEAR(((Public *)self)->own);
    free_instance(self);
}

static int public_traverse(PyObject *self, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(self));
    Py_VISIT(((Public *)self)->function);
    Py_VISIT(((Public *)self)->module);
    Py_VISIT(((Public *)self)->numpys);
    Py_VISIT(((Public *)self)->own);
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
