/* The inner loops of NumPy's ufuncs, and putting others in their place (trueno/acceleration.py). */
#include "handle.h"

#include <numpy/ufuncobject.h>

enum { MOST_OPERANDS = 8 };

/* The loop of `ufunc` for a tuple of type numbers becomes the one at address `loop`. Gives the
 * former one's address, which also goes to the address `keep`, if that is not 0, before any call
 * can take the new one. */
PyObject *replace_loop(PyObject *module, PyObject *args)
{
    PyObject *ufunc, *types;
    Py_ssize_t loop, keep;
    int signature[MOST_OPERANDS];
    PyUFuncGenericFunction former;
    if (PyUFunc_ImportUFuncAPI() < 0 ||
        !PyArg_ParseTuple(args, "O!O!nn:replace_loop", &PyUFunc_Type, &ufunc, &PyTuple_Type, &types,
                          &loop, &keep))
        return NULL;
    Py_ssize_t count = PyTuple_Size(types);
    if (count != ((PyUFuncObject *)ufunc)->nargs || count > MOST_OPERANDS) {
        PyErr_SetString(PyExc_ValueError, "replace_loop: a type number is expected an operand");
        return NULL;
    }
    for (Py_ssize_t i = 0; i < count; i++)
        signature[i] = (int)PyLong_AsLong(PyTuple_GetItem(types, i));
    if (PyErr_Occurred())
        return NULL;
    if (PyUFunc_ReplaceLoopBySignature((PyUFuncObject *)ufunc, (PyUFuncGenericFunction)loop,
                                       signature,
                                       keep ? (PyUFuncGenericFunction *)keep : &former) < 0) {
        PyErr_SetString(PyExc_LookupError, "replace_loop: the ufunc has no loop of these types");
        return NULL;
    }
    return PyLong_FromSsize_t((Py_ssize_t)(keep ? *(PyUFuncGenericFunction *)keep : former));
}
