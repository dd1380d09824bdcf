/* What a small call is, and what becomes of NumPy's result or error. */
#include "handle.h"

/* ---------------------------------------------------------------- what is small */

/* Whether no two elements are neighbours in memory. */
static bool apart(PyArrayObject *array)
{
    bool longer = false;
    if (PyArray_FLAGS(array) & (NPY_ARRAY_C_CONTIGUOUS | NPY_ARRAY_F_CONTIGUOUS))
        return false;
    for (int i = 0; i < PyArray_NDIM(array); i++) {
        npy_intp step = PyArray_STRIDE(array, i);
        if (PyArray_DIM(array, i) < 2 || !step)
            continue;
        if ((step < 0 ? -step : step) <= PyArray_ITEMSIZE(array))
            return false;
        longer = true;
    }
    return longer;
}

double gain_of(const Gains *gains, PyArrayObject *array)
{
    int number = PyArray_TYPE(array);
    double gain = number < DTYPE_NUMBERS ? gains->by_dtype[number] : 1;
    if (gains->gathers == 0 || !apart(array))
        return gain;
    return gain < gains->gathers ? 0 : gain / gains->gathers;
}

bool few(PyObject *array, double gain, double limit)
{
    return PyArray_SIZE(AS_ARRAY(array)) * gain < limit;
}

bool is_number(PyObject *x)
{
    return PyFloat_CheckExact(x) || PyLong_CheckExact(x) || PyBool_Check(x) ||
           PyComplex_CheckExact(x) || PyArray_IsScalar(x, Generic);
}

/* What NumPy computes with for an operand: a small handle's array, a small ndarray or a number
 * itself; NULL if the operand is neither. Borrowed. */
PyObject *operand(PyObject *x, const Gains *gains, double limit)
{
    if (is_number(x))
        return x;
    PyObject *array = ours(x) ? current(x) : PyArray_CheckExact(x) ? x : NULL;
    return array && few(array, gain_of(gains, AS_ARRAY(array)), limit) ? array : NULL;
}

/* Whether small operands give a small result: broadcasting can make a large one of them. */
bool result_is_small(PyObject *const *operands, Py_ssize_t n, const Gains *gains, double limit)
{
    double elements = 1, most = 0;
    int dimensions = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyArray_CheckExact(operands[i]))
            continue;
        PyArrayObject *array = AS_ARRAY(operands[i]);
        double gain = gain_of(gains, array);
        most = gain > most ? gain : most;
        dimensions = PyArray_NDIM(array) > dimensions ? PyArray_NDIM(array) : dimensions;
    }
    if (dimensions < 2)
        return true;
    for (int behind = 1; behind <= dimensions; behind++) {
        npy_intp longest = 0;
        for (Py_ssize_t i = 0; i < n; i++) {
            if (!PyArray_CheckExact(operands[i]))
                continue;
            int dimension = PyArray_NDIM(AS_ARRAY(operands[i])) - behind;
            npy_intp length = dimension < 0 ? 1 : PyArray_DIM(AS_ARRAY(operands[i]), dimension);
            longest = length > longest ? length : longest;
        }
        elements *= longest;
    }
    return elements * most < limit;
}

const Gains *gains_in(PyObject *table, PyObject *key)
{
    PyObject *bytes = PyDict_GetItemWithError(table, key);
    return bytes ? (const Gains *)PyBytes_AsString(bytes) : NULL;
}

/* ---------------------------------------------------------------- results */

/* NumPy's result for users: a handle; other objects stay. Takes over the reference. */
PyObject *wrapped(PyObject *result)
{
    if (!result)
        return NULL;
    if (PyArray_CheckExact(result))
        return new_handle(result, NULL, false);
    PyObject *value = NULL;
    if (PyArray_IsScalar(result, Generic)) {
        if (gives_scalars())
            return result;
        value = PyArray_FromScalar(result, NULL);
        value = value ? new_handle(value, NULL, true) : NULL;
    } else {
        value = PyObject_CallFunctionObjArgs(bound.wrap_value, result, NULL);
    }
    Py_DECREF(result);
    return value;
}

PyObject *call_ufunc(PyObject *ufunc, PyObject *const *operands, Py_ssize_t n, PyObject *out)
{
    PyObject *args = PyTuple_New(n), *keyword = out ? PyDict_New() : NULL, *result = NULL;
    for (Py_ssize_t i = 0; args && i < n; i++) {
        Py_INCREF(operands[i]);
        PyTuple_SetItem(args, i, operands[i]);
    }
    if (args && (!out || (keyword && PyDict_SetItem(keyword, names.out, out) == 0)))
        result = PyObject_Call(ufunc, args, keyword);
    Py_XDECREF(args);
    Py_XDECREF(keyword);
    return result;
}

/* Whether NumPy's result of elements that lie so is in C order. */
static bool in_c_order(PyArrayObject *array)
{
    npy_intp least = 0;
    for (int i = PyArray_NDIM(array) - 1; i >= 0; i--) {
        npy_intp step = PyArray_STRIDE(array, i);
        if (step < 0 ? -step < least : step < least)
            return false;
        least = step < 0 ? -step : step;
    }
    return PyArray_ISBEHAVED_RO(array);
}

/* Whether `other` joins an array of floating-point numbers without a change of shape or dtype. */
static bool joins(PyArrayObject *array, PyObject *other)
{
    if (!PyArray_CheckExact(other))
        return PyFloat_CheckExact(other) || PyLong_CheckExact(other);
    return PyArray_TYPE(AS_ARRAY(other)) == PyArray_TYPE(array) && in_c_order(AS_ARRAY(other)) &&
           PyArray_SAMESHAPE(array, AS_ARRAY(other));
}

/* A handle on uninitialised memory of the pool, in an array's shape and dtype, in C order. */
static PyObject *pooled(PyArrayObject *like)
{
    npy_intp strides[NPY_MAXDIMS], step = PyArray_ITEMSIZE(like);
    for (int i = PyArray_NDIM(like) - 1; i >= 0; i--) {
        strides[i] = step;
        step *= PyArray_DIM(like, i);
    }
    PyObject *buffer = PyObject_CallFunction(bound.pooled, "n", (Py_ssize_t)step);
    if (!buffer)
        return NULL;
    PyObject *root = AS_BLOCK(buffer)->root;
    PyArray_Descr *dtype = PyArray_DESCR(like);
    Py_INCREF((PyObject *)dtype);
    PyObject *array = PyArray_NewFromDescr(&PyArray_Type, dtype, PyArray_NDIM(like),
                                           PyArray_DIMS(like), strides,
                                           PyArray_DATA(AS_ARRAY(root)), NPY_ARRAY_CARRAY, NULL);
    if (array) {
        Py_INCREF(root);
        if (PyArray_SetBaseObject(AS_ARRAY(array), root) < 0)
            Py_CLEAR(array);
    }
    if (array)
        replace(&AS_BLOCK(buffer)->whole, array);
    PyObject *handle = array ? new_handle(array, buffer, false) : NULL;
    Py_DECREF(buffer);
    return handle;
}

PyObject *in_pool(PyObject *ufunc, PyObject *const *operands, Py_ssize_t n, const Gains *gains)
{
    PyArrayObject *array = NULL;
    for (Py_ssize_t i = 0; i < n && !array; i++)
        array = PyArray_CheckExact(operands[i]) ? AS_ARRAY(operands[i]) : NULL;
    if (!array || gains->keeps_floats == 0 || PyArray_NBYTES(array) < POOLED_RESULT ||
        (PyArray_TYPE(array) != NPY_FLOAT && PyArray_TYPE(array) != NPY_DOUBLE))
        return NULL;
    for (Py_ssize_t i = 0; i < n; i++)
        if (!joins(array, operands[i]))
            return NULL;
    PyObject *handle = pooled(array);
    PyObject *result = handle ? call_ufunc(ufunc, operands, n, AS_HANDLE(handle)->array) : NULL;
    if (!result)
        Py_CLEAR(handle);
    Py_XDECREF(result);
    return handle;
}

/* Raises NumPy's error with the operation's name in it: `what`, or its __name__. In the drop-in the
 * error stays as it is, as errors.named says. */
PyObject *fail(PyObject *what)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (drops_in() || !PyErr_GivenExceptionMatches(type, PyExc_Exception)) {
        PyErr_Restore(type, error, traceback);
        return NULL;
    }
    PyObject *name = what, *named = NULL;
    Py_XINCREF(name);
    if (what && !PyUnicode_Check(what)) {
        Py_DECREF(name);
        name = PyObject_GetAttr(what, names.name);
    }
    if (name)
        named = PyObject_CallFunctionObjArgs(bound.named, error, name, NULL);
    Py_XDECREF(name);
    Py_XDECREF(type);
    Py_XDECREF(error);
    Py_XDECREF(traceback);
    if (named) {
        PyException_SetCause(named, NULL); /* raise ... from None */
        PyErr_SetObject((PyObject *)Py_TYPE(named), named);
        Py_DECREF(named);
    }
    return NULL;
}

/* A handle on NumPy's view of a handle's array. Takes over the reference to the view. */
PyObject *view_of(PyObject *handle, PyObject *view)
{
    PyObject *block = block_of(handle);
    if (block)
        return new_handle(view, block, false);
    Py_DECREF(view);
    return NULL;
}

bool is_view_of(PyObject *view, PyObject *array)
{
    PyObject *base = PyArray_BASE(AS_ARRAY(view));
    return base && (base == array || base == PyArray_BASE(AS_ARRAY(array)));
}
