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
