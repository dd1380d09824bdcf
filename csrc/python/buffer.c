/* The buffer protocol: memoryviews, files, hashes and np.asarray read and write the array's memory,
 * which counts as shared for as long as they hold it. */
#include "handle.h"

/* NumPy asks for a buffer first, and swallows what the computation of a pending value raises; then
 * it asks for `__array_struct__`. So that this can raise it, it is kept from the one to the other:
 * `refused` is the address of the handle, `type` NULL where nothing was raised. */
static _Thread_local struct {
    PyObject *refused, *type, *error, *traceback;
} swallowed;

static void forget_swallowed(void)
{
    Py_CLEAR(swallowed.type);
    Py_CLEAR(swallowed.error);
    Py_CLEAR(swallowed.traceback);
}

/* Keeps the present error too. */
static void keep_swallowed(PyObject *handle)
{
    swallowed.refused = handle;
    PyErr_Fetch(&swallowed.type, &swallowed.error, &swallowed.traceback);
    Py_XINCREF(swallowed.type);
    Py_XINCREF(swallowed.error);
    Py_XINCREF(swallowed.traceback);
    PyErr_Restore(swallowed.type, swallowed.error, swallowed.traceback);
}

PyObject *raise_swallowed(PyObject *module, PyObject *handle)
{
    if (swallowed.type && swallowed.refused == handle) {
        PyErr_Restore(swallowed.type, swallowed.error, swallowed.traceback);
        swallowed.type = swallowed.error = swallowed.traceback = NULL;
        return NULL;
    }
    Py_RETURN_NONE;
}

/* Records lose padding and titles on the way that NumPy takes through a buffer. */
static bool has_format(PyObject *self)
{
    PyObject *array = AS_HANDLE(self)->array; /* none of a pending value, which is no record */
    return !array || PyArray_TYPE(AS_ARRAY(array)) != NPY_VOID;
}

/* Whoever asks for bytes without their format takes them for what he likes (torch.asarray for
 * float32). In the drop-in programs expect what ndarrays give (files, hashes). */
static bool misleads(PyObject *array, int flags)
{
    return !(flags & PyBUF_FORMAT) && PyArray_ITEMSIZE(AS_ARRAY(array)) > 1 && !drops_in();
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    view->obj = NULL;
    forget_swallowed();
    if (!has_format(self)) {
        PyErr_SetString(PyExc_BufferError, "trueno: records have no buffer; use np.asarray");
        return -1;
    }
    PyObject *array = PyObject_CallMethod(self, "__array__", NULL);
    if (!array) {
        if (flags == PyBUF_FULL_RO) /* as NumPy asks */
            keep_swallowed(self);
        return -1;
    }
    int status = -1;
    if (misleads(array, flags))
        PyErr_SetString(PyExc_BufferError,
                        "trueno: bytes without their format are asked for; give x.data");
    else
        status = PyObject_GetBuffer(array, view, flags);
    Py_DECREF(array); /* view->obj is another reference */
    return status;
}

PyType_Slot buffer_slots[] = {
    {Py_bf_getbuffer, get_buffer},
    {0},
};
