/* Operators: Python's own on the ndarrays of small operands, Python functions on others. */
#include "handle.h"

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

/* Whether a matrix product of small operands is small. Stacks count as one where they are alike. */
static bool product_is_small(PyObject *const *operands, Py_ssize_t n, const Gains *gains,
                             double limit)
{
    if (!PyArray_CheckExact(operands[0]) || !PyArray_CheckExact(operands[1]))
        return true; /* NumPy's error */
    PyArrayObject *a = AS_ARRAY(operands[0]), *b = AS_ARRAY(operands[1]);
    int i = PyArray_NDIM(a), j = PyArray_NDIM(b);
    double elements = i > 1 ? PyArray_DIM(a, i - 2) : 1;
    elements *= j > 1 ? PyArray_DIM(b, j - 1) : 1;
    bool alike = i == j;
    for (int d = 0; d < i - 2; d++) {
        alike = alike && PyArray_DIM(a, d) == PyArray_DIM(b, d);
        elements *= PyArray_DIM(a, d);
    }
    for (int d = 0; d < j - 2 && !alike; d++)
        elements *= PyArray_DIM(b, d);
    return elements * gain_of(gains, a) < limit;
}

typedef PyObject *Python(PyObject *, PyObject *);

/* An operator: the operation's name and gains, Python's own operators, and where other operands
 * than small ones go: forward(x, other), reflected(x, other), in_place(x, other). `ufunc`: what
 * can write to given memory; `op`: the row of the operation, if calls may be deferred; `loops`: of
 * the ufunc that it means; or NULL. */
typedef struct {
    const char *operation;
    Python *python, *python_in_place;
    PyObject *name, *forward, *reflected, *in_place, *ufunc, *op;
    const Loops *loops;
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
 * reflected, in_place, the ufunc or None, the row or None, and the gains' bytes. */
int bind_operators(void)
{
    for (Operator *o = operators; o < operators + OPERATORS; o++) {
        PyObject *row = PyDict_GetItemString(bound.operators, o->operation);
        const char *gains;
        Py_ssize_t size;
        if (!row)
            return PyErr_Format(PyExc_KeyError, "no operator %s", o->operation), -1;
        if (!PyArg_ParseTuple(row, "OOOOOy#", &o->forward, &o->reflected, &o->in_place, &o->ufunc,
                              &o->op, &gains, &size))
            return -1;
        if (o->op == Py_None)
            o->op = NULL;
        PyObject *meaning = o->op ? PyObject_GetAttr(o->op, names.meaning) : NULL;
        o->loops = meaning ? loops_of(meaning) : NULL;
        Py_XDECREF(meaning);
        if (PyErr_Occurred())
            return -1;
        if (o->ufunc == Py_None)
            o->ufunc = NULL;
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

/* `x ** 2` is a square, as in NumPy. */
static PyObject *squared(PyObject *x, PyObject *y)
{
    bool two = PyLong_CheckExact(y) && PyArray_CheckExact(x) && PyLong_AsLong(y) == 2;
    const Loops *loops = two ? loops_of(bound.square) : NULL;
    PyErr_Clear(); /* an exponent that is no long */
    return loops ? direct(loops, &x, 1) : NULL;
}

static PyObject *computed(const Operator *o, PyObject *a, PyObject *b, PyObject *x, PyObject *y)
{
    PyObject *pair[] = {x, y};
    PyObject *result = o->loops ? direct(o->loops, pair, 2) : NULL;
    if (o == &operators[O_power])
        result = squared(x, y);
    if (result)
        return new_handle(result, NULL, false);
    if (o->ufunc && !PyErr_Occurred())
        result = in_pool(o->ufunc, pair, 2, &o->gains);
    if (result)
        return result;
    if (PyErr_Occurred())
        return fail(o->name);
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

static PyObject *small_binary(const Operator *o, PyObject *a, PyObject *b, PyObject **pair,
                              double limit)
{
    if (o->op && may_join(pair, 2, &o->gains, limit)) {
        PyObject *both[] = {a, b}, *pending = SLOWLY(tried(o->op, both, 2));
        if (pending || PyErr_Occurred())
            return pending;
    }
    return computed(o, a, b, pair[0], pair[1]);
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
        return small_binary(o, a, b, pair, limit);
    PyObject *both[] = {a, b}, *pending = o->op ? SLOWLY(deferred(o->op, both, 2)) : NULL;
    if (pending || PyErr_Occurred())
        return pending;
    if (is_handle(a))
        return SLOWLY(PyObject_CallFunctionObjArgs(o->forward, a, b, NULL));
    return SLOWLY(PyObject_CallFunctionObjArgs(o->reflected, b, a, NULL));
}

static PyObject *in_place(const Operator *o, PyObject *a, PyObject *b)
{
    double limit = threshold();
    if (limit < 0)
        return NULL;
    if (AS_HANDLE(a)->scalar)
        return binary(o, a, b);
    PyObject *x = quiet(a), *y = operand(b, &o->gains, limit);
    if (!x || !y || !few(x, gain_of(&o->gains, AS_ARRAY(x)), limit)) {
        PyObject *both[] = {a, b};
        int queued = o->op ? deferred_write(o->op, a, AS_HANDLE(a)->array, both, 2) : 0;
        if (queued > 0)
            Py_INCREF(a);
        if (queued)
            return queued > 0 ? a : NULL;
        return SLOWLY(PyObject_CallFunctionObjArgs(o->in_place, a, b, NULL));
    }
    int done = o->loops ? direct_in_place(o->loops, x, y) : 0;
    PyObject *result = done ? NULL : o->python_in_place(x, y);
    if (done < 0 || (!done && !result))
        return fail(o->name);
    Py_XDECREF(result); /* `x` itself */
    Py_INCREF(a);
    return a;
}

static PyObject *unary(const Operator *o, PyObject *a)
{
    double limit = threshold();
    if (limit < 0)
        return NULL;
    PyObject *x = operand(a, &o->gains, limit);
    if (!x) {
        PyObject *pending = o->op ? SLOWLY(deferred(o->op, &a, 1)) : NULL;
        if (pending || PyErr_Occurred())
            return pending;
        return SLOWLY(PyObject_CallFunctionObjArgs(o->forward, a, NULL));
    }
    if (o->op && may_join(&x, 1, &o->gains, limit)) {
        PyObject *pending = SLOWLY(tried(o->op, &a, 1));
        if (pending || PyErr_Occurred())
            return pending;
    }
    PyObject *result = o->loops ? direct(o->loops, &x, 1) : NULL;
    if (!result && !PyErr_Occurred()) {
        PyObject *given = AS_HANDLE(a)->scalar ? as_scalar(a, x) : x;
        result = given ? o->python(given, NULL) : NULL;
        if (given != x)
            Py_XDECREF(given);
    }
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

PyType_Slot operator_slots[] = {
#define SLOT_ROWS(SLOT, FUNCTION, OPERATION)                                                       \
    {Py_nb_##SLOT, slot_##SLOT}, {Py_nb_inplace_##SLOT, slot_inplace_##SLOT},
    BINARY(SLOT_ROWS)
    SLOT_ROWS(matrix_multiply, MatrixMultiply, "matmul")
#define SLOT_ROW(SLOT, FUNCTION, OPERATION) {Py_nb_##SLOT, slot_##SLOT},
    UNARY(SLOT_ROW)
    {Py_nb_power, slot_power},
    {Py_nb_inplace_power, slot_inplace_power},
    {Py_tp_richcompare, slot_richcompare},
    {0},
};
