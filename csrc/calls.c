/* Calls on small arrays that are current in host memory: operators, ufuncs, functions, indexing.
 *
 * Each finds the host arrays, lets NumPy compute with them and makes a handle of the result; all
 * other calls go to the Python functions in `bound`. Errors get the operation's name.
 */
#include "handle.h"

/* ---------------------------------------------------------------- what is small */

/* Elements from which a cheap call is deferred; -1 with an error. */
static double threshold(void)
{
    PyObject *settings = PyObject_CallNoArgs(bound.settings);
    PyObject *value = settings ? PyObject_GetAttr(settings, names.threshold) : NULL;
    double elements = value ? PyLong_AsDouble(value) : -1;
    Py_XDECREF(value);
    Py_XDECREF(settings);
    return elements;
}

static double gain_of(const Gains *gains, PyArrayObject *array)
{
    int number = PyArray_TYPE(array);
    return number < DTYPE_NUMBERS ? gains->by_dtype[number] : 1;
}

static bool few(PyObject *array, double gain, double limit)
{
    return PyArray_SIZE(AS_ARRAY(array)) * gain < limit;
}

static bool is_number(PyObject *x)
{
    return PyFloat_CheckExact(x) || PyLong_CheckExact(x) || PyBool_Check(x) ||
           PyComplex_CheckExact(x) || PyArray_IsScalar(x, Generic);
}

/* What NumPy computes with for an operand: a small handle's array, a small ndarray or a number
 * itself; NULL if the operand is neither. Borrowed. */
static PyObject *operand(PyObject *x, const Gains *gains, double limit)
{
    if (is_number(x))
        return x;
    PyObject *array = ours(x) ? current(x) : PyArray_CheckExact(x) ? x : NULL;
    return array && few(array, gain_of(gains, AS_ARRAY(array)), limit) ? array : NULL;
}

/* Whether small operands give a small result: broadcasting can make a large one of two. */
static bool result_is_small(PyObject *const *operands, Py_ssize_t n, const Gains *gains,
                            double limit)
{
    double product = 1;
    int dimensions = 0;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyArray_CheckExact(operands[i]))
            continue;
        PyArrayObject *array = AS_ARRAY(operands[i]);
        double gain = gain_of(gains, array);
        dimensions = PyArray_NDIM(array) > dimensions ? PyArray_NDIM(array) : dimensions;
        product *= PyArray_SIZE(array) * (gain > 1 ? gain : 1);
    }
    if (dimensions < 2 || product < limit)
        return true;
    PyArrayObject *first = NULL;
    for (Py_ssize_t i = 0; i < n; i++) {
        if (!PyArray_CheckExact(operands[i]))
            continue;
        if (first && !PyArray_SAMESHAPE(first, AS_ARRAY(operands[i])))
            return false;
        first = AS_ARRAY(operands[i]);
    }
    return true;
}

/* Likewise of a matrix product. Stacks of matrices are small together where they are alike. */
static bool product_is_small(PyObject *const *operands, Py_ssize_t n, const Gains *gains,
                             double limit)
{
    if (!PyArray_CheckExact(operands[0]) || !PyArray_CheckExact(operands[1]))
        return true; /* NumPy's error */
    PyArrayObject *a = AS_ARRAY(operands[0]), *b = AS_ARRAY(operands[1]);
    int i = PyArray_NDIM(a), j = PyArray_NDIM(b);
    if (i > 2 || j > 2)
        return PyArray_SAMESHAPE(a, b);
    double rows = i > 1 ? PyArray_DIM(a, 0) : 1, columns = j > 1 ? PyArray_DIM(b, 1) : 1;
    return rows * columns * gain_of(gains, a) < limit;
}

/* ---------------------------------------------------------------- results */

/* A handle on NumPy's result; other objects stay. Takes over the reference. */
static PyObject *wrapped(PyObject *result)
{
    if (!result)
        return NULL;
    if (PyArray_CheckExact(result))
        return new_handle(result, NULL, false);
    PyObject *value = NULL;
    if (PyArray_IsScalar(result, Generic)) {
        value = PyArray_FromScalar(result, NULL);
        value = value ? new_handle(value, NULL, true) : NULL;
    } else {
        value = PyObject_CallFunctionObjArgs(bound.wrap_value, result, NULL);
    }
    Py_DECREF(result);
    return value;
}

/* Raises NumPy's error with the operation's name in it: `what`, or its __name__. */
static PyObject *fail(PyObject *what)
{
    PyObject *type, *error, *traceback;
    PyErr_Fetch(&type, &error, &traceback);
    PyErr_NormalizeException(&type, &error, &traceback);
    if (!PyErr_GivenExceptionMatches(type, PyExc_Exception)) {
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

/* ---------------------------------------------------------------- operators */

/* (slot, the PyNumber function's name, operation) */
#define BINARY(X)                                                                                  \
    X(add, Add, "add")                                                                             \
    X(subtract, Subtract, "subtract")                                                              \
    X(multiply, Multiply, "multiply")                                                              \
    X(true_divide, TrueDivide, "divide")                                                           \
    X(floor_divide, FloorDivide, "floor_divide")                                                   \
    X(remainder, Remainder, "remainder")                                                           \
    X(lshift, Lshift, "bitwise_left_shift")                                                        \
    X(rshift, Rshift, "bitwise_right_shift")                                                       \
    X(and, And, "bitwise_and")                                                                     \
    X(or, Or, "bitwise_or")                                                                        \
    X(xor, Xor, "bitwise_xor")
#define COMPARISON(X)                                                                              \
    X(LT, "less") X(LE, "less_equal") X(EQ, "equal") X(NE, "not_equal") X(GT, "greater")           \
    X(GE, "greater_equal")
#define UNARY(X)                                                                                   \
    X(negative, Negative, "negative") X(positive, Positive, "positive")                            \
    X(absolute, Absolute, "abs") X(invert, Invert, "bitwise_invert")

typedef PyObject *Python(PyObject *, PyObject *);

/* An operator: the operation's name and gains, Python's own operators, and where other operands
 * than small ones go: forward(x, other), reflected(x, other), in_place(x, other). */
typedef struct {
    const char *operation;
    Python *python, *python_in_place;
    PyObject *name, *forward, *reflected, *in_place;
    Gains gains;
} Operator;

static PyObject *raised(PyObject *x, PyObject *y)
{
    return PyNumber_Power(x, y, Py_None);
}

static PyObject *raised_in_place(PyObject *x, PyObject *y)
{
    return PyNumber_InPlacePower(x, y, Py_None);
}

#define COMPARES(OP, OPERATION)                                                                    \
    static PyObject *compare_##OP(PyObject *x, PyObject *y)                                        \
    {                                                                                              \
        return PyObject_RichCompare(x, y, Py_##OP);                                                \
    }
COMPARISON(COMPARES)

#define NEGATES(SLOT, FUNCTION, OPERATION)                                                         \
    static PyObject *unary_##SLOT(PyObject *x, PyObject *unused)                                   \
    {                                                                                              \
        return PyNumber_##FUNCTION(x);                                                             \
    }
UNARY(NEGATES)

enum {
#define NUMBER(SLOT, ...) O_##SLOT,
    BINARY(NUMBER) COMPARISON(NUMBER) UNARY(NUMBER) O_power, O_matrix_multiply,
#undef NUMBER
    OPERATORS
};

static Operator operators[] = {
#define ROW(SLOT, FUNCTION, OPERATION)                                                             \
    [O_##SLOT] = {OPERATION, PyNumber_##FUNCTION, PyNumber_InPlace##FUNCTION},
    BINARY(ROW)
#undef ROW
#define ROW(OP, OPERATION) [O_##OP] = {OPERATION, compare_##OP},
    COMPARISON(ROW)
#undef ROW
#define ROW(SLOT, FUNCTION, OPERATION) [O_##SLOT] = {OPERATION, unary_##SLOT},
    UNARY(ROW)
#undef ROW
    [O_power] = {"pow", raised, raised_in_place},
    [O_matrix_multiply] = {"matmul", PyNumber_MatrixMultiply, PyNumber_InPlaceMatrixMultiply},
};

/* Takes each operator's functions and gains from bound.operators: by name, a tuple of forward,
 * reflected, in_place and the gains' bytes. */
int bind_operators(void)
{
    for (Operator *o = operators; o < operators + OPERATORS; o++) {
        PyObject *row = PyDict_GetItemString(bound.operators, o->operation);
        const char *gains;
        Py_ssize_t size;
        if (!row)
            return PyErr_Format(PyExc_KeyError, "no operator %s", o->operation), -1;
        if (!PyArg_ParseTuple(row, "OOOy#", &o->forward, &o->reflected, &o->in_place, &gains,
                              &size))
            return -1;
        if (size != sizeof o->gains)
            return PyErr_Format(PyExc_ValueError, "gains of %zd bytes", size), -1;
        memcpy(&o->gains, gains, sizeof o->gains);
        if (!(o->name = PyUnicode_FromString(o->operation)))
            return -1;
    }
    return 0;
}

/* A handle that NumPy would have returned a scalar for computes as a scalar, where all do. */
static PyObject *as_scalar(PyObject *handle, PyObject *x)
{
    if (ours(handle))
        return PyArray_ToScalar(PyArray_DATA(AS_ARRAY(x)), AS_ARRAY(x));
    Py_INCREF(x);
    return x;
}

static bool of_scalars(PyObject *x)
{
    return ours(x) ? AS_HANDLE(x)->scalar : !PyArray_CheckExact(x);
}

static PyObject *computed(const Operator *o, PyObject *a, PyObject *b, PyObject *x, PyObject *y)
{
    PyObject *result;
    if (of_scalars(a) && of_scalars(b)) {
        x = as_scalar(a, x);
        y = x ? as_scalar(b, y) : NULL;
        result = y ? o->python(x, y) : NULL;
        Py_XDECREF(x);
        Py_XDECREF(y);
    } else {
        result = o->python(x, y);
    }
    return result ? wrapped(result) : fail(o->name);
}

static PyObject *binary(const Operator *o, PyObject *a, PyObject *b)
{
    double limit = threshold();
    if (limit < 0)
        return NULL;
    PyObject *pair[] = {operand(a, &o->gains, limit), operand(b, &o->gains, limit)};
    bool product = o == &operators[O_matrix_multiply];
    if (pair[0] && pair[1] &&
        (product ? product_is_small : result_is_small)(pair, 2, &o->gains, limit))
        return computed(o, a, b, pair[0], pair[1]);
    if (is_handle(a))
        return PyObject_CallFunctionObjArgs(o->forward, a, b, NULL);
    return PyObject_CallFunctionObjArgs(o->reflected, b, a, NULL);
}

static PyObject *in_place(const Operator *o, PyObject *a, PyObject *b)
{
    double limit = threshold();
    if (limit < 0)
        return NULL;
    if (AS_HANDLE(a)->scalar)
        return binary(o, a, b);
    PyObject *x = quiet(a), *y = operand(b, &o->gains, limit);
    if (!x || !y || !few(x, gain_of(&o->gains, AS_ARRAY(x)), limit))
        return PyObject_CallFunctionObjArgs(o->in_place, a, b, NULL);
    PyObject *result = o->python_in_place(x, y);
    if (!result)
        return fail(o->name);
    Py_DECREF(result); /* `x` itself */
    Py_INCREF(a);
    return a;
}

static PyObject *unary(const Operator *o, PyObject *a)
{
    double limit = threshold();
    PyObject *x = limit < 0 ? NULL : operand(a, &o->gains, limit);
    if (limit < 0)
        return NULL;
    if (!x)
        return PyObject_CallFunctionObjArgs(o->forward, a, NULL);
    PyObject *result = o->python(x, NULL);
    return result ? wrapped(result) : fail(o->name);
}

#define SLOTS(SLOT, FUNCTION, OPERATION)                                                           \
    static PyObject *slot_##SLOT(PyObject *a, PyObject *b)                                         \
    {                                                                                              \
        return binary(&operators[O_##SLOT], a, b);                                                 \
    }                                                                                              \
    static PyObject *slot_inplace_##SLOT(PyObject *a, PyObject *b)                                 \
    {                                                                                              \
        return in_place(&operators[O_##SLOT], a, b);                                               \
    }
BINARY(SLOTS)
SLOTS(matrix_multiply, MatrixMultiply, "matmul")

#define UNARY_SLOT(SLOT, FUNCTION, OPERATION)                                                      \
    static PyObject *slot_##SLOT(PyObject *a)                                                      \
    {                                                                                              \
        return unary(&operators[O_##SLOT], a);                                                     \
    }
UNARY(UNARY_SLOT)

static PyObject *slot_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None)
        Py_RETURN_NOTIMPLEMENTED;
    return binary(&operators[O_power], a, b);
}

static PyObject *slot_inplace_power(PyObject *a, PyObject *b, PyObject *modulus)
{
    if (modulus != Py_None)
        Py_RETURN_NOTIMPLEMENTED;
    return in_place(&operators[O_power], a, b);
}

static PyObject *slot_richcompare(PyObject *a, PyObject *b, int comparison)
{
    static const int number[] = {
#define COMPARISON_NUMBER(OP, OPERATION) [Py_##OP] = O_##OP,
        COMPARISON(COMPARISON_NUMBER)
    };
    return binary(&operators[number[comparison]], a, b);
}

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

/* `ufunc` on small operands, one of which may be written to: a handle. NULL without an error where
 * the call is another one. */
static PyObject *small_ufunc(PyObject *ufunc, PyObject *args, PyObject *kwargs, const Gains *gains)
{
    PyObject *target = NULL, *given[MOST_OPERANDS];
    Py_ssize_t keywords = kwargs ? PyDict_Size(kwargs) : 0, n = PyTuple_Size(args) - 2;
    double limit = threshold();
    if (limit < 0 || keywords > 1 || n < 1 || n > MOST_OPERANDS)
        return NULL;
    if (keywords) {
        PyObject *out = PyDict_GetItem(kwargs, names.out);
        if (!out || !PyTuple_CheckExact(out) || PyTuple_Size(out) != 1)
            return NULL;
        target = PyTuple_GetItem(out, 0);
        if (!small_target(target, gains, limit))
            return NULL;
    }
    for (Py_ssize_t i = 0; i < n; i++)
        if (!(given[i] = operand(PyTuple_GetItem(args, i + 2), gains, limit)))
            return NULL;
    if (!result_is_small(given, n, gains, limit))
        return NULL;
    PyObject *operands = PyTuple_New(n), *keyword = NULL;
    for (Py_ssize_t i = 0; operands && i < n; i++) {
        Py_INCREF(given[i]);
        PyTuple_SetItem(operands, i, given[i]);
    }
    if (target && operands && (keyword = PyDict_New()))
        PyDict_SetItem(keyword, names.out, AS_HANDLE(target)->array);
    PyObject *result = operands ? PyObject_Call(ufunc, operands, keyword) : NULL;
    Py_XDECREF(operands);
    Py_XDECREF(keyword);
    if (!result || !target)
        return wrapped(result);
    Py_DECREF(result);
    Py_INCREF(target);
    return target;
}

static const Gains *gains_in(PyObject *table, PyObject *key)
{
    PyObject *bytes = PyDict_GetItemWithError(table, key);
    return bytes ? (const Gains *)PyBytes_AsString(bytes) : NULL;
}

/* __array_ufunc__(self, ufunc, method, *inputs, **kwargs) */
PyObject *handle_array_ufunc(PyObject *self, PyObject *args, PyObject *kwargs)
{
    if (PyTuple_Size(args) > 2) {
        PyObject *ufunc = PyTuple_GetItem(args, 0), *method = PyTuple_GetItem(args, 1);
        const Gains *gains = gains_in(bound.ufuncs, ufunc);
        if (gains && (method == names.call || PyUnicode_Compare(method, names.call) == 0)) {
            PyObject *result = small_ufunc(ufunc, args, kwargs, gains);
            if (result)
                return result;
            if (PyErr_Occurred())
                return fail(ufunc);
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
    PyObject *result = PyObject_Call(bound.array_ufunc, all, kwargs);
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

/* Whether an argument is no sequence in which NumPy would look for arrays. */
static bool is_whole(PyObject *x)
{
    return is_number(x) || PyArray_CheckExact(x) || PyUnicode_Check(x) || PyBytes_Check(x) ||
           PyByteArray_Check(x) || PyRange_Check(x) || PyMemoryView_Check(x) ||
           !PySequence_Check(x);
}

/* An argument with the arrays of small handles in place of the handles, in nested tuples and lists
 * too. New; NULL, without an error, where one is not small or the argument is of another kind. */
static PyObject *unwrapped(PyObject *x, double gain, double limit)
{
    if (ours(x)) {
        PyObject *array = quiet(x);
        if (!array || !few(array, gain, limit))
            return NULL;
        Py_INCREF(array);
        return array;
    }
    bool tuple = PyTuple_CheckExact(x);
    if (!tuple && !PyList_CheckExact(x)) {
        if (!is_whole(x))
            return NULL;
        Py_INCREF(x);
        return x;
    }
    Py_ssize_t n = tuple ? PyTuple_Size(x) : PyList_Size(x);
    PyObject *items = tuple ? PyTuple_New(n) : PyList_New(n);
    for (Py_ssize_t i = 0; items && i < n; i++) {
        PyObject *item = tuple ? PyTuple_GetItem(x, i) : PyList_GetItem(x, i);
        item = item ? unwrapped(item, gain, limit) : NULL;
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
    } else if (PyTuple_CheckExact(x) || PyList_CheckExact(x)) {
        for (Py_ssize_t i = 0, n = PySequence_Size(x); i < n; i++) {
            PyObject *item = PySequence_GetItem(x, i);
            if (item)
                collect(item, list);
            Py_XDECREF(item);
        }
    }
}

/* A handle on NumPy's view of a handle's array. Takes over the reference to the view. */
static PyObject *view_of(PyObject *handle, PyObject *view)
{
    Handle *h = AS_HANDLE(handle);
    if (!h->buffer) {
        PyObject *buffer = PyObject_CallFunctionObjArgs(bound.buffer_of, handle, NULL);
        Py_XDECREF(buffer);
        if (!buffer) {
            Py_DECREF(view);
            return NULL;
        }
    }
    return new_handle(view, h->buffer, false);
}

static bool is_view_of(PyObject *view, PyObject *array)
{
    PyObject *base = PyArray_BASE(AS_ARRAY(view));
    return base && (base == array || base == PyArray_BASE(AS_ARRAY(array)));
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
        value = PyObject_CallFunctionObjArgs(bound.rewrap, result, list, NULL);
        Py_DECREF(list);
    }
    Py_DECREF(result);
    return value;
}

/* Whether no keyword argument can hold an array. */
static bool are_simple(PyObject *kwargs)
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
    if (!ours(x) || !AS_HANDLE(x)->array)
        return 1;
    PyArrayObject *array = AS_ARRAY(AS_HANDLE(x)->array);
    double gain = gain_of(gains, array);
    if (gains->short_rows > gain && PyArray_NDIM(array) > 1 &&
        PyArray_SIZE(array) * gains->short_rows >= limit)
        return -1;
    return gain;
}

static PyObject *small_function(PyObject *f, PyObject *args, PyObject *kwargs)
{
    double limit = threshold();
    double gain = limit < 0 ? -1 : call_gain(gains_in(bound.functions, f), args, limit);
    PyObject *given = gain < 0 || !are_simple(kwargs) ? NULL : unwrapped(args, gain, limit);
    if (!given)
        return NULL;
    /* What NumPy calls once it knows that no argument overrides it. */
    PyObject *own = PyObject_GetAttr(f, names.implementation);
    if (!own)
        PyErr_Clear();
    PyObject *result = PyObject_Call(own ? own : f, given, kwargs);
    Py_XDECREF(own);
    Py_DECREF(given);
    return result ? function_result(result, args) : NULL;
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
        PyObject *result = small_function(args[0], args[2], args[3]);
        if (result)
            return result;
        if (PyErr_Occurred())
            return fail(args[0]);
    }
    return PyObject_CallFunctionObjArgs(
        bound.array_function, self, args[0], args[1], args[2], args[3], NULL);
}

/* ---------------------------------------------------------------- methods */

/* A method of TruenoArray: ndarray's on a small array, `python` on others. */
typedef struct {
    PyObject_HEAD
    PyObject *numpy, *python;
    Gains gains;
} Method;

static PyTypeObject *method_type;
static PyObject *bound_method_type;

PyObject *new_method(PyObject *module, PyObject *args)
{
    PyObject *numpy, *python;
    const char *gains;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(args, "OOy#:method", &numpy, &python, &gains, &size))
        return NULL;
    if (size != sizeof(Gains))
        return PyErr_Format(PyExc_ValueError, "gains of %zd bytes", size);
    Method *m = (Method *)((allocfunc)PyType_GetSlot(method_type, Py_tp_alloc))(method_type, 0);
    if (m) {
        Py_INCREF(numpy);
        Py_INCREF(python);
        m->numpy = numpy;
        m->python = python;
        memcpy(&m->gains, gains, sizeof m->gains);
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
        double gain = call_gain(&m->gains, args, limit);
        given = gain < 0 ? NULL : unwrapped(args, gain, limit);
    }
    if (!given)
        return PyErr_Occurred() ? NULL : PyObject_Call(m->python, args, kwargs);
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
    PyTypeObject *type = Py_TYPE(self);
    Py_CLEAR(((Method *)self)->numpy);
    Py_CLEAR(((Method *)self)->python);
    ((freefunc)PyType_GetSlot(type, Py_tp_free))(self);
    Py_DECREF(type);
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

/* ---------------------------------------------------------------- indexing */

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

/* A small array (of integers, or a mask) that elements are picked by: ours or an ndarray. */
static PyObject *small_picks(PyObject *key)
{
    PyObject *array = ours(key) ? current(key) : PyArray_CheckExact(key) ? key : NULL;
    const Gains *gains = array ? gains_in(bound.functions, bound.getitem) : NULL;
    double limit = gains ? threshold() : -1;
    return limit >= 0 && PyArray_NDIM(AS_ARRAY(array)) && few(array, gains->by_dtype[0], limit)
               ? array
               : NULL;
}

static PyObject *subscript(PyObject *self, PyObject *key)
{
    PyObject *array = AS_HANDLE(self)->scalar ? NULL : current(self);
    PyObject *index = !array || is_basic_key(key) ? key : small_picks(key);
    if (!array || !index)
        return PyErr_Occurred() ? NULL
                                : PyObject_CallFunctionObjArgs(bound.getitem, self, key, NULL);
    PyObject *result = PyObject_GetItem(array, index);
    if (!result)
        return fail(names.getitem);
    if (!PyArray_CheckExact(result))
        return wrapped(result);
    if (is_view_of(result, array))
        return view_of(self, result);
    if (index != key || !is_basic_key(key))
        return new_handle(result, NULL, false);
    Py_DECREF(result); /* no view: an element of an array of objects */
    return PyObject_CallFunctionObjArgs(bound.getitem, self, key, NULL);
}

static int assign_subscript(PyObject *self, PyObject *key, PyObject *value)
{
    if (!value) {
        PyErr_SetString(PyExc_ValueError,
                        "trueno.__delitem__: cannot delete array elements");
        return -1;
    }
    PyObject *array = is_basic_key(key) ? quiet(self) : NULL;
    PyObject *given = NULL;
    if (array && is_number(value)) {
        given = value;
    } else if (array && ours(value)) {
        double limit = threshold();
        if (limit < 0)
            return -1;
        given = current(value);
        given = given && few(given, 1, limit) && few(array, 1, limit) ? given : NULL;
    }
    if (given) {
        if (PyObject_SetItem(array, key, given) == 0)
            return 0;
        fail(names.setitem);
        return -1;
    }
    PyObject *done = PyObject_CallFunctionObjArgs(bound.setitem, self, key, value, NULL);
    Py_XDECREF(done);
    return done ? 0 : -1;
}

/* ---------------------------------------------------------------- */

PyType_Slot call_slots[] = {
#define SLOT_ROWS(SLOT, FUNCTION, OPERATION)                                                       \
    {Py_nb_##SLOT, slot_##SLOT}, {Py_nb_inplace_##SLOT, slot_inplace_##SLOT},
    BINARY(SLOT_ROWS)
    SLOT_ROWS(matrix_multiply, MatrixMultiply, "matmul")
#define SLOT_ROW(SLOT, FUNCTION, OPERATION) {Py_nb_##SLOT, slot_##SLOT},
    UNARY(SLOT_ROW)
    {Py_nb_power, slot_power},
    {Py_nb_inplace_power, slot_inplace_power},
    {Py_tp_richcompare, slot_richcompare},
    {Py_mp_subscript, subscript},
    {Py_mp_ass_subscript, assign_subscript},
};
const int call_slot_count = sizeof call_slots / sizeof *call_slots;
