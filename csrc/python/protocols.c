/* NumPy's calls on our arrays, `__array_ufunc__` and `__array_function__`, and methods. */
#include "handle.h"

/* ---------------------------------------------------------------- ufuncs */

enum { MOST_OPERANDS = 8 };

/* The target of `out=(target,)`: its array if it is small; NULL otherwise. Borrowed. */
static PyObject *small_target(PyObject *target, const Gains *gains, double limit)
{
    if (!ours(target) || AS_HANDLE(target)->scalar)
        return NULL;
    PyObject *array = quiet(target);
    return array && few(array, gain_of(gains, AS_ARRAY(array)), limit) ? array : NULL;
}

/* `tried` of a ufunc that is a row of the table. */
static PyObject *tried_ufunc(PyObject *ufunc, PyObject *args, Py_ssize_t first,
                             PyObject *const *small, Py_ssize_t n, const Gains *gains,
                             double limit)
{
    PyObject *op = may_join(small, n, gains, limit)
                       ? PyDict_GetItemWithError(bound.operations, ufunc)
                       : NULL;
    PyObject *operands[MOST_OPERANDS];
    for (Py_ssize_t i = 0; i < n; i++)
        operands[i] = PyTuple_GetItem(args, first + i);
    return op ? SLOWLY(tried(op, operands, n)) : NULL;
}

const Loops *loops_of_row(PyObject *ufunc)
{
    return PyDict_Contains(bound.operations, ufunc) == 1 ? loops_of(ufunc) : NULL;
}

/* `ufunc` on small operands, args[first] and all after it, one of which may be written to: a
 * handle. NULL without an error where the call is another one. */
PyObject *small_ufunc(PyObject *ufunc, const Loops *loops, PyObject *args, Py_ssize_t first,
                      PyObject *kwargs, const Gains *gains)
{
    PyObject *target = NULL, *given[MOST_OPERANDS];
    Py_ssize_t keywords = kwargs ? PyDict_Size(kwargs) : 0, n = PyTuple_Size(args) - first;
    double limit = threshold();
    if (limit < 0 || keywords > 1 || n < 1 || n > MOST_OPERANDS)
        return NULL;
    if (keywords) {
        PyObject *out = PyDict_GetItem(kwargs, names.out);
        target = out && PyTuple_CheckExact(out) && PyTuple_Size(out) == 1 ? PyTuple_GetItem(out, 0)
                                                                          : out;
        if (!target || !small_target(target, gains, limit))
            return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        if (!(given[i] = operand(PyTuple_GetItem(args, first + i), gains, limit)))
            return NULL;
    if (!result_is_small(given, n, gains, limit))
        return NULL;
    PyObject *result = target ? NULL : tried_ufunc(ufunc, args, first, given, n, gains, limit);
    if (!result && !target && !PyErr_Occurred()) {
        PyObject *made = loops ? direct(loops, given, n) : NULL;
        result = made ? new_handle(made, NULL, false) : NULL;
        if (!result && !PyErr_Occurred())
            result = in_pool(ufunc, given, n, gains);
    }
    if (result || PyErr_Occurred())
        return result;
    result = call_ufunc(ufunc, given, n, target ? AS_HANDLE(target)->array : NULL);
    if (!result || !target)
        return wrapped(result);
    Py_DECREF(result);
    Py_INCREF(target);
    return target;
}

/* A ufunc that is a row of the table, on operands args[2] and all after it: as a node's handle.
 * NULL, without an error, where Python must look at the call. */
static PyObject *deferred_ufunc(PyObject *ufunc, PyObject *args, PyObject *kwargs)
{
    PyObject *op = PyDict_GetItemWithError(bound.operations, ufunc), *given[MOST_OPERANDS];
    Py_ssize_t keywords = kwargs ? PyDict_Size(kwargs) : 0, n = PyTuple_Size(args) - 2;
    if (!op || keywords > 1 || n > MOST_OPERANDS)
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        given[i] = PyTuple_GetItem(args, 2 + i);
    if (!keywords)
        return deferred(op, given, n);
    PyObject *out = PyDict_GetItem(kwargs, names.out);
    if (!out || !PyTuple_CheckExact(out) || PyTuple_Size(out) != 1)
        return NULL;
    PyObject *target = PyTuple_GetItem(out, 0);
    if (!ours(target) || deferred_write(op, target, AS_HANDLE(target)->array, given, n) <= 0)
        return NULL;
    Py_INCREF(target);
    return target;
}

/* small(function, operands, name, gains): the function of small operands, else NotImplemented. */
PyObject *small(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4 || !PyTuple_CheckExact(args[1]) || !PyBytes_Check(args[3]) ||
        PyBytes_Size(args[3]) != sizeof(Gains)) {
        PyErr_SetString(PyExc_TypeError, "small takes a function, a tuple, a name and gains");
        return NULL;
    }
    const Gains *gains = (const Gains *)PyBytes_AsString(args[3]);
    PyObject *result = small_ufunc(args[0], NULL, args[1], 0, NULL, gains);
    if (result)
        return result;
    if (PyErr_Occurred())
        return fail(args[2]);
    Py_RETURN_NOTIMPLEMENTED;
}

/* __array_ufunc__(self, ufunc, method, *inputs, **kwargs) */
PyObject *handle_array_ufunc(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_Size(args) > 2) {
        PyObject *ufunc = PyTuple_GetItem(args, 0), *method = PyTuple_GetItem(args, 1);
        const Gains *gains = gains_in(bound.ufuncs, ufunc);
        if (gains && (method == names.call || PyUnicode_Compare(method, names.call) == 0)) {
            PyObject *result = small_ufunc(ufunc, loops_of_row(ufunc), args, 2, kwargs, gains);
            if (result)
                return result;
            if (PyErr_Occurred())
                return fail(ufunc);
            result = SLOWLY(deferred_ufunc(ufunc, args, kwargs));
            if (result)
                return result;
        }
        if (PyErr_Occurred())
            return NULL;
    }
    Py_ssize_t n = PyTuple_Size(args);
    PyObject *all = PyTuple_New(n + 1);
    if (!all)
        return NULL;
    for (Py_ssize_t i = 0; i <= n; i++) {
        PyObject *item = i ? PyTuple_GetItem(args, i - 1) : self;
        Py_INCREF(item);
        PyTuple_SetItem(all, i, item);
    }
    PyObject *result = SLOWLY(PyObject_Call(bound.array_ufunc, all, kwargs));
    Py_DECREF(all);
    return result;
}

/* ---------------------------------------------------------------- functions */

/* Whether a keyword argument is of a type in which no array can hide. */
static bool is_simple(PyObject *x)
{
    return x == Py_None || PyLong_Check(x) || PyFloat_Check(x) || PyUnicode_Check(x) ||
           PyType_Check(x) || PyArray_DescrCheck(x);
}

/* Whether an argument is no sequence in which NumPy would look for arrays, nor an object that may
 * give it one of ours. */
static bool is_whole(PyObject *x)
{
    return is_number(x) || x == Py_None || PyType_Check(x) || PySlice_Check(x) ||
           PyArray_CheckExact(x) || PyArray_DescrCheck(x) || PyUnicode_Check(x) ||
           PyBytes_Check(x) || PyByteArray_Check(x) || PyRange_Check(x) || PyMemoryView_Check(x) ||
           (!PySequence_Check(x) && !PyObject_HasAttr((PyObject *)Py_TYPE(x), names.array));
}

/* An argument with the arrays of small handles in place of the handles, in tuples and lists nested
 * at most `deep` times too. New; NULL, without an error, where one is not small or the argument is
 * of another kind. */
static PyObject *unwrapped(PyObject *x, double gain, double limit, int deep)
{
    if (ours(x)) {
        PyObject *array = quiet(x);
        if (!array || !few(array, gain, limit))
            return NULL;
        Py_INCREF(array);
        return array;
    }
    Py_ssize_t n = item_count(x);
    if (n < 0) {
        if (!is_whole(x))
            return NULL;
        Py_INCREF(x);
        return x;
    }
    if (!deep)
        return NULL;
    bool tuple = PyTuple_CheckExact(x);
    PyObject *items = tuple ? PyTuple_New(n) : PyList_New(n);
    for (Py_ssize_t i = 0; items && i < n; i++) {
        PyObject *item = item_at(x, i);
        item = item ? unwrapped(item, gain, limit, deep - 1) : NULL;
        if (!item)
            Py_CLEAR(items);
        else if (tuple)
            PyTuple_SetItem(items, i, item);
        else
            PyList_SetItem(items, i, item);
    }
    return items;
}

/* Appends the handles and ndarrays among the arguments to a list. */
static void collect(PyObject *x, PyObject *list)
{
    if (ours(x) || PyArray_CheckExact(x)) {
        PyList_Append(list, x);
    } else {
        for (Py_ssize_t i = 0, n = item_count(x); i < n; i++)
            collect(item_at(x, i), list);
    }
}

/* A function's result, which may be an argument or a view of one, or hold several arrays. */
static PyObject *function_result(PyObject *result, PyObject *args)
{
    bool array = PyArray_CheckExact(result);
    bool fresh = array && !PyArray_BASE(AS_ARRAY(result)) && Py_REFCNT(result) == 1;
    if (fresh || PyArray_IsScalar(result, Generic))
        return wrapped(result);
    for (Py_ssize_t i = 0, n = array ? PyTuple_Size(args) : 0; i < n; i++) {
        PyObject *x = PyTuple_GetItem(args, i);
        if (!ours(x) || AS_HANDLE(x)->scalar)
            continue;
        if (result == AS_HANDLE(x)->array) {
            Py_DECREF(result);
            Py_INCREF(x);
            return x;
        }
        if (is_view_of(result, AS_HANDLE(x)->array))
            return view_of(x, result);
    }
    PyObject *list = PyList_New(0), *value = NULL;
    if (list) {
        collect(args, list);
        value = SLOWLY(PyObject_CallFunctionObjArgs(bound.rewrap, result, list, NULL));
        Py_DECREF(list);
    }
    Py_DECREF(result);
    return value;
}

/* Whether no keyword argument can hold an array. */
bool are_simple(PyObject *kwargs)
{
    PyObject *key, *value;
    Py_ssize_t at = 0;
    while (kwargs && PyDict_Next(kwargs, &at, &key, &value))
        if (!is_simple(value))
            return false;
    return true;
}

/* The gain that counts for a call with these arguments; -1 where Python must decide. */
static double call_gain(const Gains *gains, PyObject *args, double limit)
{
    Py_ssize_t n = PyTuple_Size(args);
    if (!gains || !n)
        return PyErr_Occurred() ? -1 : 1;
    PyObject *x = PyTuple_GetItem(args, gains->position < 0 ? n - 1 : 0);
    for (int deep = 0; deep < MOST_NESTED && item_count(x) > 0; deep++)
        x = item_at(x, 0);
    if (!ours(x) || !AS_HANDLE(x)->array)
        return 1;
    PyArrayObject *array = AS_ARRAY(AS_HANDLE(x)->array);
    double gain = gain_of(gains, array);
    if (gains->short_rows > gain && PyArray_NDIM(array) > 1 &&
        PyArray_SIZE(array) * gains->short_rows >= limit)
        return -1;
    return gain;
}

/* `direct_reduction` of a call with a small array alone. */
static PyObject *small_reduction(PyObject *f, PyObject *args, PyObject *kwargs, double gain,
                                 double limit)
{
    PyObject *x = PyTuple_Size(args) == 1 && !kwargs ? PyTuple_GetItem(args, 0) : NULL;
    PyObject *array = x && ours(x) && !AS_HANDLE(x)->scalar ? current(x) : NULL;
    return array && few(array, gain, limit) ? direct_reduction(f, array) : NULL;
}

PyObject *small_function(PyObject *f, PyObject *own, PyObject *args, PyObject *kwargs)
{
    double limit = threshold();
    double gain = limit < 0 ? -1 : call_gain(gains_in(bound.functions, f), args, limit);
    PyObject *value = gain < 0 ? NULL : small_reduction(f, args, kwargs, gain, limit);
    PyObject *given = NULL;
    if (value || PyErr_Occurred())
        return wrapped(value);
    if (gain >= 0 && are_simple(kwargs))
        given = unwrapped(args, gain, limit, MOST_NESTED + 1);
    if (!given)
        return NULL;
    PyObject *result = PyObject_Call(own, given, kwargs);
    Py_DECREF(given);
    return result ? function_result(result, args) : NULL;
}

PyObject *own_function(PyObject *f)
{
    PyObject *own = PyObject_GetAttr(f, names.implementation);
    if (own)
        return own;
    PyErr_Clear();
    Py_INCREF(f);
    return f;
}

/* __array_function__(self, function, types, args, kwargs) */
PyObject *handle_array_function(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "__array_function__ takes four arguments");
        return NULL;
    }
    Py_ssize_t n = PySequence_Size(args[1]);
    bool known = n >= 0 && PyTuple_CheckExact(args[2]) && PyDict_CheckExact(args[3]);
    for (Py_ssize_t i = 0; known && i < n; i++) {
        PyObject *type = PySequence_GetItem(args[1], i);
        known = type == bound.result_class || type == (PyObject *)&PyArray_Type;
        Py_XDECREF(type);
    }
    if (known) {
        PyObject *own = own_function(args[0]);
        PyObject *result = small_function(args[0], own, args[2], args[3]);
        Py_DECREF(own);
        if (result)
            return result;
        if (PyErr_Occurred())
            return fail(args[0]);
    }
    return SLOWLY(PyObject_CallFunctionObjArgs(bound.array_function, self, args[0], args[1],
                                               args[2], args[3], NULL));
}

/* ---------------------------------------------------------------- methods */

/* A method of TruenoArray: ndarray's on a small array, `python` on others. What is small tells
 * bound.functions of `alike`. */
typedef struct {
    PyObject_HEAD
    PyObject *numpy, *python, *alike;
} Method;

static PyTypeObject *method_type;
static PyObject *bound_method_type;

PyObject *new_method(PyObject *module, PyObject *args)
{
    PyObject *numpy, *python, *alike;
    if (!PyArg_ParseTuple(args, "OOO:method", &numpy, &python, &alike))
        return NULL;
    Method *m = (Method *)new_instance(method_type);
    if (m) {
        Py_INCREF(numpy);
        Py_INCREF(python);
        Py_INCREF(alike);
        m->numpy = numpy;
        m->python = python;
        m->alike = alike;
    }
    return (PyObject *)m;
}

static PyObject *method_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Method *m = (Method *)self;
    PyObject *x = PyTuple_Size(args) ? PyTuple_GetItem(args, 0) : NULL, *given = NULL;
    double limit = threshold();
    if (limit < 0)
        return NULL;
    if (x && ours(x) && !AS_HANDLE(x)->scalar && are_simple(kwargs)) {
        double gain = call_gain(gains_in(bound.functions, m->alike), args, limit);
        PyObject *value = gain < 0 ? NULL : small_reduction(m->alike, args, kwargs, gain, limit);
        if (value)
            return wrapped(value);
        given = gain < 0 ? NULL : unwrapped(args, gain, limit, MOST_NESTED + 1);
    }
    if (!given)
        return PyErr_Occurred() ? NULL : SLOWLY(PyObject_Call(m->python, args, kwargs));
    PyObject *result = PyObject_Call(m->numpy, given, kwargs);
    Py_DECREF(given);
    return result ? function_result(result, args) : fail(m->numpy);
}

static PyObject *method_get(PyObject *self, PyObject *object, PyObject *type)
{
    if (object && object != Py_None)
        return PyObject_CallFunctionObjArgs(bound_method_type, self, object, NULL);
    Py_INCREF(self);
    return self;
}

static void method_dealloc(PyObject *self)
{
    Py_CLEAR(((Method *)self)->numpy);
    Py_CLEAR(((Method *)self)->python);
    Py_CLEAR(((Method *)self)->alike);
    free_instance(self);
}

/* __name__, __doc__, ...: those of the Python function. */
static PyObject *method_getattr(PyObject *self, PyObject *name)
{
    PyObject *value = PyObject_GenericGetAttr(self, name);
    if (value || !PyErr_ExceptionMatches(PyExc_AttributeError))
        return value;
    PyErr_Clear();
    return PyObject_GetAttr(((Method *)self)->python, name);
}

static PyObject *method_repr(PyObject *self)
{
    return PyObject_Repr(((Method *)self)->python);
}

static PyMemberDef method_members[] = {
    {"__wrapped__", T_OBJECT_EX, offsetof(Method, python), READONLY, NULL},
    {0},
};

static PyObject *method_doc(PyObject *self, void *closure)
{
    return PyObject_GetAttrString(((Method *)self)->python, "__doc__");
}

static PyGetSetDef method_attributes[] = {{"__doc__", method_doc, NULL, NULL, NULL}, {0}};

int make_method_type(void)
{
    static PyType_Slot slots[] = {
        {Py_tp_call, method_call},        {Py_tp_descr_get, method_get},
        {Py_tp_dealloc, method_dealloc},  {Py_tp_getattro, method_getattr},
        {Py_tp_members, method_members},  {Py_tp_getset, method_attributes},
        {Py_tp_repr, method_repr},        {0},
    };
    static PyType_Spec spec = {
        .name = "trueno._handle.method",
        .basicsize = sizeof(Method),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_METHOD_DESCRIPTOR,
        .slots = slots,
    };
    PyObject *types = PyImport_ImportModule("types");
    bound_method_type = types ? PyObject_GetAttrString(types, "MethodType") : NULL;
    Py_XDECREF(types);
    method_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return method_type && bound_method_type ? 0 : -1;
}
