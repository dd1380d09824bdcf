/* Evaluation: the kernels of a plan, one after the other. */
#include "walk.h"

typedef int Run(const void *program, int64_t *block, int threads);

/* A step of a plan as words (engine._packed): these, then the shape of the iteration space and the
 * reduced axes as a launch has them, the places of inputs (twice, and 1 for a leaf), of constants
 * and of outputs, the nodes that later steps do not need, and those of each mask. `program` is 0
 * where the backend is not simd. */
typedef struct {
    int64_t program, head, inputs, consts, outputs, releases, masks;
    int64_t word[];
} Packed;

/* A step under way: operands in the order of the launch. `aside` has, for each output, a view of
 * fresh memory if it must not be written before all is read. */
typedef struct {
    const Packed *packed;
    PyObject *step;
    Walk *walk;
    const int64_t *head, *inputs, *consts, *outputs, *releases, *masks;
    Vector input, output, aside; /* views: borrowed; new; new or NULL */
    bool apart; /* an operand is not on the host, or somebody looks on: Python launches */
} Launch;

static void open_launch(Launch *l, Walk *walk, PyObject *packed, PyObject *step)
{
    const Packed *p = (const Packed *)PyBytes_AsString(packed);
    const Settings *now = settings();
    l->packed = p;
    l->step = step;
    l->walk = walk;
    l->head = p->word;
    l->inputs = l->head + p->head;
    l->consts = l->inputs + p->inputs;
    l->outputs = l->consts + p->consts;
    l->releases = l->outputs + p->outputs;
    l->masks = l->releases + p->releases;
    l->apart = !p->program || !now || now->watched || PyList_Size(bound.observers);
    vector_start(&l->input);
    vector_start(&l->output);
    vector_start(&l->aside);
}

static void close_launch(Launch *l)
{
    for (int64_t i = 0; i < l->output.count; i++)
        Py_XDECREF(object_at(&l->output, i));
    for (int64_t i = 0; i < l->aside.count; i++)
        Py_XDECREF(object_at(&l->aside, i));
    vector_free(&l->input);
    vector_free(&l->output);
    vector_free(&l->aside);
}

static Block *block_in(PyObject *view) { return AS_BLOCK(PyTuple_GetItem(view, 0)); }
static PyObject *array_in(PyObject *view) { return PyTuple_GetItem(view, 1); }

/* ---------------------------------------------------------------- overlaps */

typedef struct {
    char *from, *to;
} Extent;

static Extent extent_of(PyArrayObject *array)
{
    Extent e = {PyArray_BYTES(array), PyArray_BYTES(array) + PyArray_ITEMSIZE(array)};
    for (int i = 0; i < PyArray_NDIM(array); i++) {
        npy_intp reach = (PyArray_DIM(array, i) - 1) * PyArray_STRIDE(array, i);
        *(reach < 0 ? &e.from : &e.to) += reach;
    }
    return e;
}

/* Whether outsiders may see the memory: 1, 0, or -1 with an error. */
static int is_shared(PyObject *block)
{
    Block *b = AS_BLOCK(block);
    if (!b->foreign && (!b->exports || !PyList_Size(b->exports)))
        return 0;
    PyObject *shared = PyObject_GetAttr(block, names.shared);
    int value = shared ? PyObject_IsTrue(shared) : -1;
    Py_XDECREF(shared);
    return value;
}

/* Whether an input shares memory with an output other than element by element. */
static int overlaps_elsewhere(const Launch *l, PyObject *view)
{
    PyObject *mine = array_in(view);
    int shared = is_shared((PyObject *)block_in(view));
    Extent e = extent_of(AS_ARRAY(mine));
    for (int64_t i = 0; i < l->input.count && shared >= 0; i++) {
        PyObject *input = object_at(&l->input, i), *other = array_in(input);
        if (!shared && block_in(input) != block_in(view))
            continue;
        Extent o = extent_of(AS_ARRAY(other));
        if (o.from < e.to && e.from < o.to && !same_elements(other, mine))
            return 1;
    }
    return shared < 0 ? -1 : 0;
}

/* ---------------------------------------------------------------- operands */

static bool find_inputs(Launch *l)
{
    for (int64_t i = 0; i < l->packed->inputs; i++) {
        int64_t at = l->inputs[i] >> 1;
        PyObject *view = l->inputs[i] & 1 ? object_at(&l->walk->leaves, at)
                                          : AS_NODE(object_at(&l->walk->nodes, at))->result;
        if (!view) {
            PyErr_SetString(PyExc_SystemError, "trueno: an operand was not computed");
            return false;
        }
        if (!push(&l->input, (int64_t)view))
            return false;
        l->apart |= !block_in(view)->host_valid;
    }
    return true;
}

/* Where a node's value goes: the memory that waits for it, or fresh memory. */
static bool add_output(Launch *l, PyObject *node)
{
    PyObject *owner = referred(AS_NODE(node)->owner), *view, *aside = NULL;
    bool waits = owner && is_block(owner) && AS_BLOCK(owner)->node == node;
    view = waits ? new_view(owner, AS_BLOCK(owner)->target) : fresh(node, true);
    if (!view || !push(&l->output, (int64_t)view)) {
        Py_XDECREF(view);
        return false;
    }
    int overlaps = waits ? overlaps_elsewhere(l, view) : 0;
    if (overlaps > 0)
        aside = fresh(node, true);
    if (overlaps < 0 || (overlaps > 0 && !aside) || !push(&l->aside, (int64_t)aside)) {
        Py_XDECREF(aside);
        return false;
    }
    l->apart |= !block_in(view)->host_valid;
    return true;
}

static PyObject *written(const Launch *l, int64_t i)
{
    return object_at(object_at(&l->aside, i) ? &l->aside : &l->output, i);
}

/* ---------------------------------------------------------------- launches */

static int run(int64_t program, int64_t *block, int threads)
{
    int status;
    Py_BEGIN_ALLOW_THREADS
    status = ((Run *)(intptr_t)bound.run)((const void *)(intptr_t)program, block, threads);
    Py_END_ALLOW_THREADS
    return status;
}

static PyObject *masks_of(const Launch *l, const int64_t *masks)
{
    PyObject *tuple = PyTuple_New(l->packed->masks);
    for (int64_t i = 0; tuple && i < l->packed->masks; i++)
        PyTuple_SetItem(tuple, i, PyLong_FromLongLong(masks[i]));
    return tuple;
}

static PyObject *reported_nodes(const Launch *l)
{
    PyObject *list = PyList_New(l->packed->masks);
    for (int64_t i = 0; list && i < l->packed->masks; i++) {
        PyObject *node = object_at(&l->walk->nodes, l->masks[i]);
        Py_INCREF(node);
        PyList_SetItem(list, i, node);
    }
    return list;
}

/* Tells of conditions that arose. */
static bool report(const Launch *l, const int64_t *masks)
{
    PyObject *tuple = masks_of(l, masks), *nodes = reported_nodes(l), *done = NULL;
    if (tuple && nodes)
        done = PyObject_CallFunctionObjArgs(bound.report, nodes, tuple, NULL);
    Py_XDECREF(tuple);
    Py_XDECREF(nodes);
    Py_XDECREF(done);
    return done;
}

/* One call into the kernels: 1 if all is done, 0 if Python must launch, -1 with an error. */
static int launch_here(const Launch *l)
{
    const Packed *p = l->packed;
    Vector block;
    bool fine = true;
    vector_start(&block);
    for (int64_t i = 0; i < p->head && fine; i++)
        fine = push(&block, l->head[i]);
    for (int64_t i = 0; i < p->inputs && fine; i++)
        fine = push(&block, (int64_t)array_in(object_at(&l->input, i)));
    for (int64_t i = 0; i < p->outputs && fine; i++)
        fine = push(&block, (int64_t)array_in(written(l, i)));
    for (int64_t i = 0; i < p->consts && fine; i++)
        fine = push(&block, l->walk->consts.items[l->consts[i]]);
    for (int64_t i = 0; i < p->masks && fine; i++)
        fine = push(&block, 0);
    const Settings *now = fine ? settings() : NULL;
    int status = now ? run(p->program, block.items, now->threads) : -1;
    fine = now && (status != 1 || report(l, block.items + block.count - p->masks));
    vector_free(&block);
    return fine ? status >= 0 : -1;
}

static PyObject *list_of_views(const Launch *l, bool outputs)
{
    int64_t n = outputs ? l->output.count : l->input.count;
    PyObject *list = PyList_New(n);
    for (int64_t i = 0; list && i < n; i++) {
        PyObject *view = outputs ? written(l, i) : object_at(&l->input, i);
        Py_INCREF(view);
        PyList_SetItem(list, i, view);
    }
    return list;
}

/* engine.launch: None, or what interrupted it, to be raised once results are noted. New. */
static PyObject *launch_there(const Launch *l)
{
    PyObject *inputs = list_of_views(l, false), *outputs = list_of_views(l, true);
    PyObject *consts = PyTuple_New(l->packed->consts), *nodes = reported_nodes(l);
    PyObject *shape = PyTuple_New(l->head[0]), *interrupt = NULL;
    for (int64_t i = 0; consts && i < l->packed->consts; i++) {
        PyObject *value = object_at(&l->walk->consts, l->consts[i]);
        Py_INCREF(value);
        PyTuple_SetItem(consts, i, value);
    }
    for (int64_t i = 0; shape && i < l->head[0]; i++)
        PyTuple_SetItem(shape, i, PyLong_FromLongLong(l->head[1 + i]));
    if (inputs && outputs && consts && nodes && shape)
        interrupt = PyObject_CallFunctionObjArgs(bound.launch, l->step, shape, inputs, consts,
                                                 outputs, nodes, NULL);
    Py_XDECREF(inputs);
    Py_XDECREF(outputs);
    Py_XDECREF(consts);
    Py_XDECREF(nodes);
    Py_XDECREF(shape);
    return interrupt;
}

/* ---------------------------------------------------------------- copies */

/* Copies what was put aside to where it belongs. */
static bool copy_here(PyObject *source, PyObject *target)
{
    PyObject *array = array_in(source), *dtype = (PyObject *)PyArray_DESCR(AS_ARRAY(array));
    PyObject *program = PyDict_GetItemWithError(bound.copiers, dtype);
    const Settings *now = program ? settings() : NULL;
    Vector block;
    if (!now)
        return false;
    vector_start(&block);
    int n = PyArray_NDIM(AS_ARRAY(array));
    bool fine = push(&block, n);
    for (int i = 0; i < n && fine; i++)
        fine = push(&block, PyArray_DIM(AS_ARRAY(array), i));
    fine = fine && push(&block, 0) && push(&block, (int64_t)array) &&
           push(&block, (int64_t)array_in(target)) && push(&block, 0);
    fine = fine && run(PyLong_AsLongLong(program), block.items, now->threads) >= 0;
    vector_free(&block);
    return fine;
}

static bool copy_aside(const Launch *l, PyObject **interrupt)
{
    for (int64_t i = 0; i < l->aside.count; i++) {
        PyObject *source = object_at(&l->aside, i), *target = object_at(&l->output, i);
        if (!source || (!l->apart && copy_here(source, target)))
            continue;
        if (PyErr_Occurred())
            return false;
        PyObject *done = PyObject_CallFunctionObjArgs(bound.copy, l->step, source, target, NULL);
        if (done && done != Py_None)
            replace(interrupt, done);
        Py_XDECREF(done);
        if (!done)
            return false;
    }
    return true;
}

/* ---------------------------------------------------------------- results */

/* Notes that a view holds a node's value. */
static bool note(PyObject *node, PyObject *view)
{
    Node *n = AS_NODE(node);
    Block *b = block_in(view);
    PyObject *none = PyTuple_New(0);
    if (!none)
        return false;
    replace(&n->result, view);
    replace(&n->args, none);
    Py_DECREF(none);
    if (b->node == node) {
        replace(&b->target, NULL);
        replace(&b->before, NULL);
        replace(&b->node, NULL);
    } else {
        PyObject *owner = referred(n->owner);
        replace(&b->readers, list_at(&n->readers));
        if (owner && is_handle(owner) && AS_HANDLE(owner)->node == node) {
            replace(&AS_HANDLE(owner)->array, array_in(view));
            replace(&AS_HANDLE(owner)->buffer, (PyObject *)b);
            replace(&AS_HANDLE(owner)->node, NULL);
        }
    }
    block_update(b);
    return true;
}

static bool finish(Launch *l)
{
    for (int64_t i = 0; i < l->output.count; i++) {
        block_in(object_at(&l->output, i))->device_valid &= l->apart;
        if (!note(object_at(&l->walk->nodes, l->outputs[i]), object_at(&l->output, i)))
            return false;
    }
    return true;
}

static void release_nodes(const Launch *l)
{
    for (int64_t i = 0; i < l->packed->releases; i++) {
        PyObject *node = object_at(&l->walk->nodes, l->releases[i]);
        l->walk->nodes.items[l->releases[i]] = 0;
        Py_XDECREF(node);
    }
}

static bool run_step(Walk *walk, PyObject *packed, PyObject *step)
{
    Launch l;
    PyObject *interrupt = NULL;
    open_launch(&l, walk, packed, step);
    bool fine = find_inputs(&l);
    for (int64_t i = 0; i < l.packed->outputs && fine; i++)
        fine = add_output(&l, object_at(&walk->nodes, l.outputs[i]));
    int done = fine && !l.apart ? launch_here(&l) : 0;
    if (fine && !done) {
        l.apart = true;
        PyObject *raised = launch_there(&l);
        done = raised ? 1 : -1;
        replace(&interrupt, raised);
        Py_XDECREF(raised);
    }
    fine = fine && done > 0 && copy_aside(&l, &interrupt) && finish(&l);
    if (fine)
        release_nodes(&l);
    if (fine && interrupt) {
        PyErr_SetObject((PyObject *)Py_TYPE(interrupt), interrupt);
        fine = false;
    }
    Py_XDECREF(interrupt);
    close_launch(&l);
    return fine;
}

/* ---------------------------------------------------------------- evaluation */

/* The plan of a walk: engine.Prepared. New. */
static PyObject *plan_for(const Walk *w, PyObject *const *roots, Py_ssize_t n, PyObject *spared)
{
    PyObject *key = walk_key(w);
    PyObject *plan = key ? PyDict_GetItemWithError(bound.plans, key) : NULL;
    Py_XDECREF(key);
    if (plan || PyErr_Occurred()) {
        Py_XINCREF(plan);
        return plan;
    }
    PyObject *list = PyList_New(n);
    for (Py_ssize_t i = 0; list && i < n; i++) {
        Py_INCREF(roots[i]);
        PyList_SetItem(list, i, roots[i]);
    }
    if (list)
        plan = PyObject_CallFunctionObjArgs(bound.prepare, list, spared ? spared : Py_None, NULL);
    Py_XDECREF(list);
    return plan;
}

/* Tells the nodes that were deferred on trial whether that was worth while. */
static void note_trials(const Walk *w)
{
    for (int64_t i = 0; i < w->nodes.count; i++)
        if (AS_NODE(object_at(&w->nodes, i))->trial)
            note_trial(object_at(&w->nodes, i), w->nodes.count > 1);
}

static bool run_all(Walk *w, PyObject *plan)
{
    note_trials(w);
    PyObject *packed = PyTuple_GetItem(plan, 0), *steps = PyTuple_GetItem(plan, 1);
    for (Py_ssize_t i = 0, n = PyTuple_Size(packed); i < n; i++)
        if (!run_step(w, PyTuple_GetItem(packed, i), PyTuple_GetItem(steps, i)))
            return false;
    return true;
}

static bool evaluated(PyObject *const *roots, Py_ssize_t n, PyObject *spared)
{
    Walk w;
    if (!walk_ordered(&w, roots, n, spared))
        return false;
    PyObject *plan = w.nodes.count ? plan_for(&w, roots, n, spared) : NULL;
    bool any = plan, fine = plan ? run_all(&w, plan) : !w.nodes.count;
    Py_XDECREF(plan);
    walk_free(&w);
    if (!fine || !any)
        return fine;
    PyObject *warned = PyObject_CallNoArgs(bound.warn);
    Py_XDECREF(warned);
    return warned;
}

int evaluate(PyObject *const *roots, Py_ssize_t n, PyObject *spared)
{
    Vector held;
    bool fine = lock_take();
    if (!fine)
        return -1;
    vector_start(&held);
    for (Py_ssize_t i = 0; i < n && fine; i++) {
        Py_INCREF(roots[i]);
        if (!(fine = push(&held, (int64_t)roots[i])))
            Py_DECREF(roots[i]);
    }
    fine = fine && evaluated((PyObject **)held.items, held.count, spared);
    lock_give();
    for (int64_t i = 0; i < held.count; i++)
        Py_DECREF(object_at(&held, i));
    vector_free(&held);
    return fine ? 0 : -1;
}

/* evaluate(nodes, spared=None) */
PyObject *module_evaluate(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    PyObject *spared = count > 1 && args[1] != Py_None ? args[1] : NULL;
    Vector roots;
    if (count < 1 || count > 2 || !PyList_CheckExact(args[0])) {
        PyErr_SetString(PyExc_TypeError, "evaluate: a list of nodes is expected");
        return NULL;
    }
    vector_start(&roots);
    bool fine = true;
    for (Py_ssize_t i = 0, n = PyList_Size(args[0]); i < n && fine; i++) {
        PyObject *node = PyList_GetItem(args[0], i);
        fine = is_node(node) && push(&roots, (int64_t)node);
    }
    if (!fine && !PyErr_Occurred())
        PyErr_SetString(PyExc_TypeError, "evaluate: a list of nodes is expected");
    if (fine && roots.count)
        fine = evaluate((PyObject **)roots.items, roots.count, spared) == 0;
    vector_free(&roots);
    if (!fine)
        return NULL;
    Py_RETURN_NONE;
}
