/* Memory of dead ndarrays, kept while its pages are warm (trueno/acceleration.py): a data memory
 * handler (NEP 49) above the one that NumPy uses. Page faults on fresh memory cost more than most
 * arithmetic done there. */
#include "handle.h"

#include <stdatomic.h>
#include <time.h>

#if defined(__GLIBC__)
#include <malloc.h>
#define usable_size malloc_usable_size
#else
#define usable_size(memory) ((size_t)0) /* unknown: nothing is kept */
#endif

/* Below this the C library keeps memory itself. A block serves requests from 4/5 of its size on; it
 * is given back when it has not been used for some seconds and another one comes. */
#define LEAST ((size_t)1 << 20)
enum { MOST_KEPT = 64, SECONDS = 10 };

typedef struct {
    void *memory;
    size_t size;
    time_t since;
} Kept;

static Kept kept[MOST_KEPT]; /* the longest unused first */
static int count;
static size_t total, limit;
static PyDataMemAllocator former;
static PyObject *former_capsule, *capsule;

/* Who finds it busy leaves the request to the former handler: another thread, or a child that was
 * forked meanwhile. */
static atomic_flag busy = ATOMIC_FLAG_INIT;

static Kept removed(int at)
{
    Kept found = kept[at];
    count--;
    total -= found.size;
    memmove(kept + at, kept + at + 1, (size_t)(count - at) * sizeof *kept);
    return found;
}

/* Gives the longest unused back, until there is room for `size` bytes more. */
static void make_room(size_t size, time_t now)
{
    while (count && (count == MOST_KEPT || total + size > limit || now - kept[0].since > SECONDS)) {
        Kept oldest = removed(0);
        former.free(former.ctx, oldest.memory, oldest.size);
    }
}

static void *warm_malloc(void *context, size_t size)
{
    void *memory = NULL;
    if (size >= LEAST && !atomic_flag_test_and_set(&busy)) {
        int best = -1;
        for (int i = 0; i < count; i++)
            if (kept[i].size >= size && kept[i].size - size <= size / 4 &&
                (best < 0 || kept[i].size <= kept[best].size))
                best = i;
        if (best >= 0)
            memory = removed(best).memory;
        atomic_flag_clear(&busy);
    }
    return memory ? memory : former.malloc(former.ctx, size);
}

static void *warm_calloc(void *context, size_t n, size_t size)
{
    return former.calloc(former.ctx, n, size);
}

static void *warm_realloc(void *context, void *memory, size_t size)
{
    return former.realloc(former.ctx, memory, size);
}

static void warm_free(void *context, void *memory, size_t size)
{
    size_t usable = size >= LEAST && memory ? usable_size(memory) : 0;
    if (usable < LEAST || atomic_flag_test_and_set(&busy)) {
        former.free(former.ctx, memory, size);
        return;
    }
    time_t now = time(NULL);
    if (usable <= limit) {
        make_room(usable, now);
        kept[count++] = (Kept){memory, usable, now};
        total += usable;
        memory = NULL;
    }
    atomic_flag_clear(&busy);
    if (memory)
        former.free(former.ctx, memory, size);
}

static PyDataMem_Handler handler = {
    "trueno_warm", 1, {NULL, warm_malloc, warm_calloc, warm_realloc, warm_free},
};

static int make_capsule(void)
{
    former_capsule = PyDataMem_GetHandler();
    PyDataMem_Handler *found =
        former_capsule ? PyCapsule_GetPointer(former_capsule, "mem_handler") : NULL;
    capsule = found ? PyCapsule_New(&handler, "mem_handler", NULL) : NULL;
    if (!capsule)
        return -1;
    former = found->allocator;
    return 0;
}

/* Keeps up to `bytes` of memory for the ndarrays of the calling context; 0: gives all back, and
 * NumPy's handler its place. Memory that was given out is taken back in either case. */
PyObject *keep_warm(PyObject *module, PyObject *bytes)
{
    size_t most = PyLong_AsSize_t(bytes);
    if (PyErr_Occurred() || (!capsule && make_capsule() < 0))
        return NULL;
    PyObject *now = PyDataMem_GetHandler();
    bool ours = now == capsule;
    Py_XDECREF(now);
    if (ours == (most == 0)) {
        PyObject *before = PyDataMem_SetHandler(most ? capsule : former_capsule);
        if (!before)
            return NULL;
        Py_DECREF(before);
    }
    while (atomic_flag_test_and_set(&busy)) {
    }
    limit = most;
    make_room(0, time(NULL));
    atomic_flag_clear(&busy);
    return PyBool_FromLong(ours);
}
