/* Ufuncs and reductions of small arrays without NumPy's machinery: its own inner loops, at once.
 *
 * Most of the time of a small call goes to promotion, to the choice of a loop and to the iterator.
 * Where the operands have one dtype, for which the ufunc has a loop, and NumPy's result would be in
 * C order, neither is needed. The loop, and so every bit, is NumPy's. */
#include <fenv.h>

#include "handle.h"

#include <numpy/ufuncobject.h>

enum { MOST_INPUTS = 2, MOST_AXES = 6, WITH_GIL = 5000 };
#define CONDITIONS (FE_DIVBYZERO | FE_OVERFLOW | FE_UNDERFLOW | FE_INVALID)

/* The loops of a ufunc by the number of the dtype of all its operands: the place of the loop, or
 * -1, and the number of the result's dtype. */
struct Loops {
    PyUFuncObject *ufunc;
    signed char place[DTYPE_NUMBERS], result[DTYPE_NUMBERS];
};

static bool is_numeric(int number)
{
    return (number >= NPY_BOOL && number <= NPY_DOUBLE) || number == NPY_HALF ||
           number == NPY_CFLOAT || number == NPY_CDOUBLE;
}

static Loops *new_loops(PyUFuncObject *ufunc)
{
    Loops *loops = PyMem_Malloc(sizeof(Loops));
    if (!loops)
        return NULL;
    loops->ufunc = ufunc;
    memset(loops->place, -1, sizeof loops->place);
    for (int i = 0; i < ufunc->ntypes && i <= SCHAR_MAX; i++) {
        const char *types = ufunc->types + i * ufunc->nargs;
        int number = types[0], result = types[ufunc->nin];
        bool alike = ufunc->nin == 1 || types[1] == number;
        /* powers of integers raise in the loop */
        bool raises = ufunc->name && !strcmp(ufunc->name, "power") && number < NPY_FLOAT;
        if (alike && !raises && is_numeric(number) && is_numeric(result) && ufunc->functions[i] &&
            loops->place[number] < 0) {
            loops->place[number] = (signed char)i;
            loops->result[number] = (signed char)result;
        }
    }
    return loops;
}

const Loops *loops_of(PyObject *ufunc)
{
    static PyObject *known; /* ufunc: capsule; both live for good */
    if (!known && !(known = PyDict_New()))
        return NULL;
    PyObject *capsule = PyDict_GetItemWithError(known, ufunc);
    if (capsule)
        return PyCapsule_GetPointer(capsule, NULL);
    if (PyErr_Occurred() || PyUFunc_ImportUFuncAPI() < 0 ||
        !PyObject_TypeCheck(ufunc, &PyUFunc_Type))
        return NULL;
    PyUFuncObject *u = (PyUFuncObject *)ufunc;
    if (u->core_enabled || u->nout != 1 || u->nin > MOST_INPUTS)
        return NULL;
    Loops *loops = new_loops(u);
    capsule = loops ? PyCapsule_New(loops, NULL, NULL) : NULL;
    if (!capsule || PyDict_SetItem(known, ufunc, capsule) < 0)
        return NULL;
    Py_DECREF(capsule);
    return loops;
}

/* ---------------------------------------------------------------- operands */

typedef union {
    npy_int64 whole;
    float single;
    double real;
} Number;

/* The least and greatest integers of a dtype; those of uint64 that are no int64 are left out. */
static bool holds(int number, npy_int64 value)
{
    switch (number) {
    case NPY_BYTE: return value >= NPY_MIN_BYTE && value <= NPY_MAX_BYTE;
    case NPY_UBYTE: return value >= 0 && value <= NPY_MAX_UBYTE;
    case NPY_SHORT: return value >= NPY_MIN_SHORT && value <= NPY_MAX_SHORT;
    case NPY_USHORT: return value >= 0 && value <= NPY_MAX_USHORT;
    case NPY_INT: return value >= NPY_MIN_INT && value <= NPY_MAX_INT;
    case NPY_UINT: return value >= 0 && value <= NPY_MAX_UINT;
    case NPY_LONG: return value >= NPY_MIN_LONG && value <= NPY_MAX_LONG;
    case NPY_ULONG: return value >= 0 && (npy_uint64)value <= NPY_MAX_ULONG;
    case NPY_LONGLONG: return true;
    case NPY_ULONGLONG: return value >= 0;
    case NPY_FLOAT: return value >= -(1 << 24) && value <= 1 << 24;
    case NPY_DOUBLE: return value >= -((npy_int64)1 << 53) && value <= (npy_int64)1 << 53;
    default: return false;
    }
}

/* A Python number, or a scalar of that dtype, as an element of a dtype, where it is exactly one. */
static bool as_element(PyObject *x, int number, Number *to)
{
    bool real = PyFloat_CheckExact(x) || (number == NPY_DOUBLE && PyArray_IsScalar(x, Double));
    if (real && number == NPY_DOUBLE) {
        to->real = PyFloat_AsDouble(x);
        return true;
    }
    if (real && number == NPY_FLOAT) {
        double value = PyFloat_AsDouble(x);
        to->single = (float)value;
        return isfinite(to->single) || !isfinite(value);
    }
    if ((number == NPY_FLOAT && PyArray_IsScalar(x, Float)) ||
        (number == NPY_LONG && PyArray_IsScalar(x, Long))) {
        PyArray_ScalarAsCtype(x, to);
        return true;
    }
    int overflow = 0;
    npy_int64 value = PyLong_CheckExact(x) ? PyLong_AsLongLongAndOverflow(x, &overflow) : 0;
    if (!PyLong_CheckExact(x) || overflow || !holds(number, value))
        return false;
    if (number == NPY_FLOAT)
        to->single = (float)value;
    else if (number == NPY_DOUBLE)
        to->real = (double)value;
    else
        to->whole = value;
    return NPY_BYTE_ORDER == NPY_LITTLE_ENDIAN || number >= NPY_FLOAT;
}

/* ---------------------------------------------------------------- layouts */

/* What a loop goes over: axes of lengths other than 1, and by how many bytes each operand steps. */
typedef struct {
    int axes;
    npy_intp length[MOST_AXES], step[MOST_INPUTS + 1][MOST_AXES];
    char *data[MOST_INPUTS + 1];
} Course;

/* The shape that operands broadcast to; false where they do not. */
static bool broadcast(PyObject *const *operands, int n, int *ndim, npy_intp *shape)
{
    *ndim = 0;
    for (int k = 0; k < n; k++)
        if (PyArray_CheckExact(operands[k]) && PyArray_NDIM(AS_ARRAY(operands[k])) > *ndim)
            *ndim = PyArray_NDIM(AS_ARRAY(operands[k]));
    if (!*ndim || *ndim > MOST_AXES)
        return false;
    for (int i = 0; i < *ndim; i++)
        shape[i] = 1;
    for (int k = 0; k < n; k++) {
        if (!PyArray_CheckExact(operands[k]))
            continue;
        PyArrayObject *array = AS_ARRAY(operands[k]);
        int missing = *ndim - PyArray_NDIM(array);
        for (int i = missing; i < *ndim; i++) {
            npy_intp length = PyArray_DIM(array, i - missing);
            if (length != shape[i] && length != 1 && shape[i] != 1)
                return false;
            shape[i] = length == 1 ? shape[i] : length;
        }
    }
    return true;
}

/* The steps of operand `k`, an array, along the axes of a shape that are longer than 1. False where
 * its elements do not lie in C order, which NumPy's result would then not have either. */
static bool steps_of(Course *course, int k, PyArrayObject *array, int ndim, const npy_intp *shape)
{
    int missing = ndim - PyArray_NDIM(array), at = course->axes;
    npy_intp inner = 1;
    for (int i = ndim - 1; i >= 0; i--) {
        if (shape[i] == 1)
            continue;
        bool stretched = i < missing || PyArray_DIM(array, i - missing) == 1;
        npy_intp step = stretched ? 0 : PyArray_STRIDE(array, i - missing);
        if (!stretched && step < inner)
            return false;
        inner = stretched ? inner : step;
        course->step[k][--at] = step;
    }
    course->data[k] = PyArray_DATA(array);
    return true;
}

/* Makes one axis of the last two where no operand's elements are interrupted there. */
static bool join_last(Course *course, int n)
{
    int last = course->axes - 1;
    for (int k = 0; k < n && last > 0; k++)
        if (course->step[k][last - 1] != course->step[k][last] * course->length[last])
            return false;
    if (last < 1)
        return false;
    course->length[last - 1] *= course->length[last];
    for (int k = 0; k < n; k++)
        course->step[k][last - 1] = course->step[k][last];
    course->axes--;
    return true;
}

/* Calls the loop along the last axis, for every place of the others. */
static void run_loop(const Loops *loops, int number, Course *course, int n)
{
    PyUFuncGenericFunction loop = loops->ufunc->functions[loops->place[number]];
    void *data = loops->ufunc->data[loops->place[number]];
    npy_intp place[MOST_AXES] = {0}, steps[MOST_INPUTS + 1];
    int last = course->axes - 1;
    for (int k = 0; k < n; k++)
        steps[k] = course->step[k][last];
    for (int axis = last; axis >= 0;) {
        char *at[MOST_INPUTS + 1];
        memcpy(at, course->data, sizeof at);
        loop(at, &course->length[last], steps, data);
        for (axis = last - 1; axis >= 0; axis--) {
            for (int k = 0; k < n; k++)
                course->data[k] += course->step[k][axis];
            if (++place[axis] < course->length[axis])
                break;
            for (int k = 0; k < n; k++)
                course->data[k] -= course->step[k][axis] * place[axis];
            place[axis] = 0;
        }
    }
}

/* The same, with what NumPy does about floating-point conditions. False with an error. */
static bool computes(const Loops *loops, int number, Course *course, int n, npy_intp size)
{
    while (join_last(course, n))
        ;
    if (fetestexcept(CONDITIONS))
        feclearexcept(CONDITIONS);
    if (size > WITH_GIL) {
        Py_BEGIN_ALLOW_THREADS
        run_loop(loops, number, course, n);
        Py_END_ALLOW_THREADS
    } else {
        run_loop(loops, number, course, n);
    }
    int flags = fetestexcept(CONDITIONS);
    if (!flags)
        return true;
    int told = (flags & FE_DIVBYZERO ? NPY_FPE_DIVIDEBYZERO : 0) |
               (flags & FE_OVERFLOW ? NPY_FPE_OVERFLOW : 0) |
               (flags & FE_UNDERFLOW ? NPY_FPE_UNDERFLOW : 0) |
               (flags & FE_INVALID ? NPY_FPE_INVALID : 0);
    return PyUFunc_GiveFloatingpointErrors(loops->ufunc->name, told) == 0;
}

/* The number of the dtype of all operands, for which there is a loop; -1 otherwise. */
static int common_number(const Loops *loops, PyObject *const *operands, int n)
{
    int number = -1;
    for (int k = 0; k < n; k++) {
        if (!PyArray_CheckExact(operands[k]))
            continue;
        PyArrayObject *array = AS_ARRAY(operands[k]);
        int own = PyArray_TYPE(array);
        if (own >= DTYPE_NUMBERS || loops->place[own] < 0 || (number >= 0 && own != number) ||
            !PyArray_ISBEHAVED_RO(array))
            return -1;
        number = own;
    }
    return number;
}

/* A call's course over a shape, but for the result; `numbers` keep what is no array. */
static bool set_out(Course *course, const int number, PyObject *const *operands, int n, int ndim,
                    const npy_intp *shape, Number *numbers)
{
    course->axes = 0;
    for (int i = 0; i < ndim; i++)
        if (shape[i] != 1)
            course->length[course->axes++] = shape[i];
    if (!course->axes) { /* a single element */
        course->axes = 1;
        course->length[0] = 1;
        for (int k = 0; k <= n; k++)
            course->step[k][0] = 0;
    }
    for (int k = 0; k < n; k++) {
        if (PyArray_CheckExact(operands[k])) {
            if (!steps_of(course, k, AS_ARRAY(operands[k]), ndim, shape))
                return false;
            continue;
        }
        if (!as_element(operands[k], number, numbers + k))
            return false;
        course->data[k] = (char *)(numbers + k);
        for (int i = 0; i < course->axes; i++)
            course->step[k][i] = 0;
    }
    return true;
}

/* The steps of the last operand, which has the shape and lies without gaps. */
static void set_result(Course *course, int n, PyArrayObject *result)
{
    npy_intp step = PyArray_ITEMSIZE(result);
    for (int i = course->axes - 1; i >= 0; i--) {
        course->step[n][i] = step;
        step *= course->length[i];
    }
    course->data[n] = PyArray_DATA(result);
}

PyObject *direct(const Loops *loops, PyObject *const *operands, Py_ssize_t count)
{
    npy_intp shape[MOST_AXES], size = 1;
    Number numbers[MOST_INPUTS];
    Course course;
    int ndim, n = (int)count;
    if (n != loops->ufunc->nin)
        return NULL;
    int number = common_number(loops, operands, n);
    if (number < 0 || !broadcast(operands, n, &ndim, shape) ||
        !set_out(&course, number, operands, n, ndim, shape, numbers))
        return NULL;
    for (int i = 0; i < ndim; i++)
        size *= shape[i];
    if (!size || size * (npy_intp)sizeof(npy_cdouble) > POOLED_RESULT * 2)
        return NULL;
    PyArray_Descr *dtype = PyArray_DescrFromType(loops->result[number]);
    PyObject *result = PyArray_NewFromDescr(&PyArray_Type, dtype, ndim, shape, NULL, NULL, 0, NULL);
    if (!result)
        return NULL;
    set_result(&course, n, AS_ARRAY(result));
    if (!computes(loops, number, &course, n + 1, size))
        Py_CLEAR(result);
    return result;
}

/* Whether what is written there may be read elsewhere, other than element by element. */
static bool disturbs(PyArrayObject *target, PyObject *other)
{
    if (!PyArray_CheckExact(other))
        return false;
    PyArrayObject *array = AS_ARRAY(other);
    if (PyArray_DATA(array) == PyArray_DATA(target) && PyArray_SAMESHAPE(array, target) &&
        PyArray_CompareLists(PyArray_STRIDES(array), PyArray_STRIDES(target), PyArray_NDIM(array)))
        return false;
    const char *low[2], *high[2];
    PyArrayObject *both[] = {target, array};
    for (int k = 0; k < 2; k++) {
        low[k] = high[k] = PyArray_DATA(both[k]);
        high[k] += PyArray_ITEMSIZE(both[k]);
        for (int i = 0; i < PyArray_NDIM(both[k]); i++) {
            npy_intp reach = (PyArray_DIM(both[k], i) - 1) * PyArray_STRIDE(both[k], i);
            *(reach < 0 ? &low[k] : &high[k]) += reach;
        }
    }
    return low[0] < high[1] && low[1] < high[0];
}

int direct_in_place(const Loops *loops, PyObject *target, PyObject *other)
{
    PyObject *operands[] = {target, other};
    npy_intp shape[MOST_AXES];
    Number numbers[MOST_INPUTS];
    Course course;
    int ndim, n = MOST_INPUTS;
    PyArrayObject *array = AS_ARRAY(target);
    if (loops->ufunc->nin != n || !PyArray_ISWRITEABLE(array))
        return 0;
    int number = common_number(loops, operands, n);
    if (number < 0 || loops->result[number] != number || disturbs(array, other) ||
        !broadcast(operands, n, &ndim, shape) || ndim != PyArray_NDIM(array) ||
        !PyArray_CompareLists(shape, PyArray_DIMS(array), ndim) || !PyArray_SIZE(array) ||
        !set_out(&course, number, operands, n, ndim, shape, numbers))
        return 0;
    memcpy(course.step[n], course.step[0], sizeof course.step[n]);
    course.data[n] = course.data[0];
    return computes(loops, number, &course, n + 1, PyArray_SIZE(array)) ? 1 : -1;
}

/* ---------------------------------------------------------------- reductions */

/* NumPy's function that reduces with a ufunc. Sums begin at zero, others at the first element. */
typedef struct {
    PyObject *function;
    const Loops *loops;
    bool sum, mean;
} Reduction;

enum { MOST_REDUCTIONS = 8 };
static Reduction reductions[MOST_REDUCTIONS];

int bind_reductions(void)
{
    for (Py_ssize_t i = 0, n = PyList_Size(bound.reductions); i < n && i < MOST_REDUCTIONS; i++) {
        Reduction *r = reductions + i;
        PyObject *ufunc;
        int sum, mean;
        if (!PyArg_ParseTuple(PyList_GetItem(bound.reductions, i), "OOpp", &r->function, &ufunc,
                              &sum, &mean) ||
            !(r->loops = loops_of(ufunc)))
            return -1;
        r->sum = sum;
        r->mean = mean;
    }
    return 0;
}

/* Whether NumPy reduces elements of this dtype in it: no small integers, no sums of half floats. */
static bool keeps_dtype(const Reduction *r, int number)
{
    if (r->loops->place[number] < 0 || r->loops->result[number] != number)
        return false;
    if (r->mean)
        return number == NPY_FLOAT || number == NPY_DOUBLE;
    if (r->sum)
        return number >= NPY_LONG && number <= NPY_DOUBLE;
    return number != NPY_HALF;
}

/* All elements of an array, reduced: NumPy's scalar; NULL, perhaps with an error, where NumPy must
 * look at the call. */
static PyObject *reduced(const Reduction *r, PyArrayObject *array)
{
    int number = PyArray_TYPE(array);
    npy_intp n = PyArray_SIZE(array), size = PyArray_ITEMSIZE(array), steps[] = {0, size, 0};
    npy_cdouble value = {0};
    char *at = PyArray_DATA(array), *data[] = {(char *)&value, at, (char *)&value};
    if (number >= DTYPE_NUMBERS || !keeps_dtype(r, number) || !n || !PyArray_NDIM(array) ||
        !PyArray_ISBEHAVED_RO(array) || !PyArray_ISONESEGMENT(array) || n * size > POOLED_RESULT)
        return NULL;
    if (!r->sum) {
        memcpy(&value, at, (size_t)size);
        data[1] += size;
        n--;
    }
    if (fetestexcept(CONDITIONS))
        feclearexcept(CONDITIONS);
    const Loops *loops = r->loops;
    loops->ufunc->functions[loops->place[number]](data, &n, steps,
                                                  loops->ufunc->data[loops->place[number]]);
    if (fetestexcept(CONDITIONS)) /* NumPy reduces again, and tells of it */
        return NULL;
    if (r->mean && number == NPY_DOUBLE)
        *(double *)&value /= (double)n;
    else if (r->mean)
        *(float *)&value /= (float)n;
    return PyArray_ToScalar(&value, array);
}

PyObject *direct_reduction(PyObject *function, PyObject *array)
{
    for (const Reduction *r = reductions; r < reductions + MOST_REDUCTIONS && r->function; r++)
        if (r->function == function)
            return reduced(r, AS_ARRAY(array));
    return NULL;
}
