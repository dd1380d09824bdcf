/* The buffer protocol: memoryviews, files, hashes and np.asarray read and write the array's memory,
 * which counts as shared for as long as they hold it. NumPy asks for a buffer before `__array__` and
 * swallows what that raises: so a pending value, whose computation may raise, has none. */
#include "handle.h"

/* Records lose padding and titles on the way that NumPy takes through a buffer. */
static bool has_format(PyArrayObject *array)
{
    return PyArray_TYPE(array) != NPY_VOID;
}

static int get_buffer(PyObject *self, Py_buffer *view, int flags)
{
    view->obj = NULL;
    if (!current(self)) {
        PyErr_SetString(PyExc_BufferError,
                        "trueno: a pending value has no memory yet; trueno.evaluate it first, or "
                        "take x.data");
        return -1;
    }
    PyObject *array = PyObject_CallMethod(self, "__array__", NULL);
    int status = -1;
    if (array && has_format(AS_ARRAY(array)))
        status = PyObject_GetBuffer(array, view, flags);
    else if (array)
        PyErr_SetString(PyExc_BufferError, "trueno: records have no buffer; use np.asarray");
    Py_XDECREF(array); /* view->obj is another reference */
    return status;
}

PyType_Slot buffer_slots[] = {
    {Py_bf_getbuffer, get_buffer},
    {0},
};
