/* Imports of NumPy by some modules, answered with other modules. In C, since a Python function in
 * the place of `__import__` would stand in the traceback of every import that fails. */
#include "handle.h"

typedef struct {
    PyObject_HEAD
    PyObject *original, *answer;
} Importer;

static PyTypeObject *importer_type;

static bool names_numpy(PyObject *name)
{
    static const char word[] = "numpy";
    Py_ssize_t n = sizeof word - 1;
    if (!PyUnicode_CheckExact(name) || PyUnicode_Tailmatch(name, names.numpy, 0, n, -1) != 1)
        return false;
    return PyUnicode_GetLength(name) == n || PyUnicode_ReadChar(name, n) == '.';
}

/* original(*args, **kwargs); where NumPy was asked for: answer(that, caller's globals, *args) */
static PyObject *importer_call(PyObject *self, PyObject *args, PyObject *kwargs)
{
    Importer *importer = (Importer *)self;
    PyObject *module = PyObject_Call(importer->original, args, kwargs);
    Py_ssize_t count = PyTuple_Size(args);
    if (!module || !count || !names_numpy(PyTuple_GetItem(args, 0)))
        return module;
    PyObject *globals = PyEval_GetGlobals();
    PyObject *more = PyTuple_New(count + 2), *answer = NULL;
    if (more) {
        PyTuple_SetItem(more, 0, module);
        PyTuple_SetItem(more, 1, Py_NewRef(globals ? globals : Py_None));
        for (Py_ssize_t i = 0; i < count; i++)
            PyTuple_SetItem(more, i + 2, Py_NewRef(PyTuple_GetItem(args, i)));
        answer = PyObject_Call(importer->answer, more, kwargs);
        Py_DECREF(more);
    } else {
        Py_DECREF(module);
    }
    return answer;
}

static void importer_dealloc(PyObject *self)
{
    Py_CLEAR(((Importer *)self)->original);
    Py_CLEAR(((Importer *)self)->answer);
    free_instance(self);
}

PyObject *new_importer(PyObject *module, PyObject *args)
{
    PyObject *original, *answer;
    if (!PyArg_ParseTuple(args, "OO:importer", &original, &answer))
        return NULL;
    Importer *importer = (Importer *)new_instance(importer_type);
    if (importer) {
        importer->original = Py_NewRef(original);
        importer->answer = Py_NewRef(answer);
    }
    return (PyObject *)importer;
}

int make_importer_type(void)
{
    static PyMemberDef members[] = {
        {"__wrapped__", T_OBJECT, offsetof(Importer, original), READONLY, "What it calls."},
        {0},
    };
    static PyType_Slot slots[] = {
        {Py_tp_call, importer_call},
        {Py_tp_dealloc, importer_dealloc},
        {Py_tp_members, members},
        {0},
    };
    static PyType_Spec spec = {
        .name = "trueno._handle.importer",
        .basicsize = sizeof(Importer),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
    };
    importer_type = (PyTypeObject *)PyType_FromSpec(&spec);
    return importer_type ? 0 : -1;
}
