/* Reading and writing by index, and iteration. */
#include "handle.h"

/* Whether an index, or a part of one, makes a view or picks an element. */
static bool is_basic(PyObject *key)
{
    if (PyLong_CheckExact(key) || key == Py_None || key == Py_Ellipsis || PySlice_Check(key))
        return true;
    return PyArray_IsScalar(key, Integer);
}

static bool is_basic_key(PyObject *key)
{
    if (!PyTuple_CheckExact(key))
        return is_basic(key);
    for (Py_ssize_t i = 0, n = PyTuple_Size(key); i < n; i++)
        if (!is_basic(PyTuple_GetItem(key, i)))
            return false;
    return true;
}

/* How many elements a part of an index may pick of each of an array's; 0: Python must look at it.
 * `numpys`: the part as NumPy takes it, borrowed. */
static double picks(PyObject *part, PyObject **numpys)
{
    *numpys = part;
    if (is_basic(part))
        return 1;
    if (ours(part))
        *numpys = current(part);
    if (*numpys && PyArray_CheckExact(*numpys))
        return PyArray_NDIM(AS_ARRAY(*numpys)) ? (double)PyArray_SIZE(AS_ARRAY(*numpys)) : 0;
    Py_ssize_t n = PyList_CheckExact(part) ? PyList_Size(part) : 0;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!PyLong_CheckExact(PyList_GetItem(part, i)))
            return 0;
    return (double)n;
}

/* An index of few elements (arrays of integers, masks, lists) as NumPy takes it; NULL, without an
 * error, for others. New. */
static PyObject *small_index(PyObject *array, PyObject *key)
{
    const Gains *gains = gains_in(bound.functions, bound.getitem);
    double limit = gains ? threshold() : -1, gain = limit < 0 ? 0 : gains->by_dtype[0];
    PyObject *numpys;
    if (limit < 0)
        return NULL;
    if (!PyTuple_CheckExact(key)) {
        double picked = picks(key, &numpys);
        if (picked == 0 || picked * gain >= limit)
            return NULL;
        Py_INCREF(numpys);
        return numpys;
    }
    double most = (double)PyArray_SIZE(AS_ARRAY(array)) * gain;
    Py_ssize_t n = PyTuple_Size(key);
    PyObject *index = PyTuple_New(n);
    for (Py_ssize_t i = 0; index && i < n; i++) {
        double picked = picks(PyTuple_GetItem(key, i), &numpys);
        most *= picked;
        if (picked == 0 || most >= limit) {
            Py_DECREF(index);
            return NULL;
        }
        Py_INCREF(numpys);
        PyTuple_SetItem(index, i, numpys);
    }
    return index;
}

/* The element that integers pick, one an axis; NULL, without an error, for any other key. */
static void *element(PyArrayObject *array, PyObject *key)
{
    npy_intp at[NPY_MAXDIMS];
    bool tuple = PyTuple_CheckExact(key);
    int n = tuple ? (int)PyTuple_Size(key) : 1;
    if (n != PyArray_NDIM(array))
        return NULL;
    for (int i = 0; i < n; i++) {
        PyObject *item = tuple ? PyTuple_GetItem(key, i) : key;
        npy_intp length = PyArray_DIM(array, i);
        if (!PyLong_CheckExact(item))
            return NULL;
        at[i] = PyLong_AsSsize_t(item);
        if (at[i] == -1 && PyErr_Occurred()) {
            PyErr_Clear();
            return NULL;
        }
        at[i] += at[i] < 0 ? length : 0;
        if (at[i] < 0 || at[i] >= length)
            return NULL;
    }
    return PyArray_GetPtr(array, at);
}

static PyObject *subscript(PyObject *self, PyObject *key);

/* A view of an array whose contents are not current; an element once they are. */
static PyObject *pending_part(PyObject *self, PyObject *key)
{
    PyObject *result = PyObject_GetItem(AS_HANDLE(self)->array, key);
    if (!result)
        return fail(names.getitem);
    if (PyArray_CheckExact(result) && is_view_of(result, AS_HANDLE(self)->array))
        return view_of(self, result);
    Py_DECREF(result);
    result = host_array(self);
    if (!result)
        return NULL;
    Py_DECREF(result);
    if (current(self))
        return subscript(self, key);
    return SLOWLY(PyObject_CallFunctionObjArgs(bound.getitem, self, key, NULL));
}

static PyObject *subscript(PyObject *self, PyObject *key)
{
    PyObject *array = AS_HANDLE(self)->scalar ? NULL : current(self);
    if (array && gives_scalars()) {
        void *data = element(AS_ARRAY(array), key);
        if (data)
            return PyArray_ToScalar(data, AS_ARRAY(array));
    }
    if (!array && !AS_HANDLE(self)->scalar && AS_HANDLE(self)->array && is_basic_key(key))
        return pending_part(self, key);
    bool basic = is_basic_key(key);
    PyObject *index = array && !basic ? small_index(array, key) : NULL;
    if (!array || !(basic || index))
        return PyErr_Occurred() ? NULL
                                : SLOWLY(PyObject_CallFunctionObjArgs(bound.getitem, self, key,
                                                                      NULL));
    PyObject *result = PyObject_GetItem(array, basic ? key : index);
    Py_XDECREF(index);
    if (!result)
        return fail(names.getitem);
    if (!PyArray_CheckExact(result))
        return wrapped(result);
    if (is_view_of(result, array))
        return view_of(self, result);
    if (!basic)
        return new_handle(result, NULL, false);
    Py_DECREF(result); /* no view: an element of an array of objects */
    return SLOWLY(PyObject_CallFunctionObjArgs(bound.getitem, self, key, NULL));
}

/* Whether a handle shows the elements of `target`, a view of `self`. */
static bool shows(PyObject *value, PyObject *self, PyObject *target)
{
    Handle *v = AS_HANDLE(value);
    return PyArray_ISWRITEABLE(AS_ARRAY(target)) && v->array && v->buffer &&
           v->buffer == AS_HANDLE(self)->buffer && same_elements(v->array, target);
}

/* self[key] = value, queued: 1; 0: Python must look at it; -1: an error. */
static int assigned(PyObject *self, PyObject *key, PyObject *value)
{
    PyObject *array = AS_HANDLE(self)->array;
    if (!array || !is_basic_key(key))
        return 0;
    PyObject *target = PyObject_GetItem(array, key);
    int status = 0;
    if (!target)
        PyErr_Clear(); /* NumPy raises its error after those that come before */
    else if (PyArray_CheckExact(target) && PyArray_NDIM(AS_ARRAY(target)) &&
             is_view_of(target, array))
        /* `self[key] += x` assigns the value that is there. */
        status = shows(value, self, target)
                     ? 1
                     : deferred_write(bound.cast, self, target, &value, 1);
    Py_XDECREF(target);
    return status;
}

static int assign_subscript(PyObject *self, PyObject *key, PyObject *value)
{
    if (!value) {
        PyErr_SetString(PyExc_ValueError,
                        "trueno.__delitem__: cannot delete array elements");
        return -1;
    }
    PyObject *array = quiet(self), *given = NULL, *index = NULL;
    bool basic = is_basic_key(key);
    if (array && !basic && !(index = small_index(array, key)))
        array = NULL;
    if (array && is_number(value)) {
        given = value;
    } else if (array && ours(value)) {
        double limit = threshold();
        given = limit < 0 ? NULL : current(value);
        given = given && few(given, 1, limit) && few(array, 1, limit) ? given : NULL;
    }
    int failed = given ? PyObject_SetItem(array, basic ? key : index, given) : 0;
    Py_XDECREF(index);
    if (failed)
        fail(names.setitem);
    if (given || PyErr_Occurred())
        return failed || !given ? -1 : 0;
    int queued = ours(value) ? assigned(self, key, value) : 0;
    if (queued)
        return queued > 0 ? 0 : -1;
    PyObject *done = PyObject_CallFunctionObjArgs(bound.setitem, self, key, value, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

static PyObject *item(PyObject *self, Py_ssize_t i)
{
    PyObject *key = PyLong_FromSsize_t(i);
    PyObject *result = key ? subscript(self, key) : NULL;
    Py_XDECREF(key);
    return result;
}

static PyObject *iterator(PyObject *self)
{
    Py_ssize_t length = PyObject_Size(self);
    if (length >= 0)
        return PySeqIter_New(self);
    PyErr_SetString(PyExc_TypeError, "iteration over a 0-d array");
    return NULL;
}

PyType_Slot item_slots[] = {
    {Py_sq_item, item},
    {Py_tp_iter, iterator},
    {Py_mp_subscript, subscript},
    {Py_mp_ass_subscript, assign_subscript},
    {0},
};
