#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "trueno.h"

enum { MOST = 256 };

static atomic_int wanted_threads = 1;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t wake = PTHREAD_COND_INITIALIZER, finished = PTHREAD_COND_INITIALIZER;

/* All below is guarded by `mutex`. */
static struct {
    bool prepared;  /* the fork handlers are installed */
    bool busy;      /* a caller has the pool */
    int started;    /* threads that exist */
    int openings;   /* threads that may still join the current work */
    int working;
    void (*work)(void *);
    void *context;
} pool;

void trueno_set_threads(int count) {
    atomic_store(&wanted_threads, count < 1 ? 1 : count > MOST ? MOST : count);
}

int threads_count(void) {
    return atomic_load(&wanted_threads);
}

static void *serve(void *unused) {
    (void)unused;
    pthread_mutex_lock(&mutex);
    for (;;) {
        while (!pool.openings) pthread_cond_wait(&wake, &mutex);
        pool.openings--;
        pool.working++;
        void (*work)(void *) = pool.work;
        void *context = pool.context;
        pthread_mutex_unlock(&mutex);
        work(context);
        pthread_mutex_lock(&mutex);
        if (--pool.working == 0) pthread_cond_signal(&finished);
    }
    return NULL;
}

/* A child of fork has the memory but not the threads: it begins afresh. The parent holds the lock
 * while it forks, so that the pool is whole. */
static void before_fork(void) { pthread_mutex_lock(&mutex); }
static void after_fork(void) { pthread_mutex_unlock(&mutex); }
static void in_child(void) {
    pthread_mutex_init(&mutex, NULL);
    pthread_cond_init(&wake, NULL);
    pthread_cond_init(&finished, NULL);
    pool.busy = false;
    pool.started = pool.openings = pool.working = 0;
}

/* Starts threads up to `count`, as far as the system lets us. Signals stay with Python's. */
static void start(int count) {
    if (!pool.prepared) {
        pthread_atfork(before_fork, after_fork, in_child);
        pool.prepared = true;
    }
    if (pool.started >= count) return;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    while (pool.started < count && pthread_create(&thread, &detached, serve, NULL) == 0)
        pool.started++;
    pthread_attr_destroy(&detached);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

void threads_run(int count, void (*work)(void *), void *context) {
    bool mine = false;
    if (count > 1) {
        pthread_mutex_lock(&mutex);
        if (!pool.busy) {
            start(count - 1);
            mine = pool.busy = true;
            pool.work = work;
            pool.context = context;
            pool.openings = pool.started < count - 1 ? pool.started : count - 1;
            if (pool.openings == 1) pthread_cond_signal(&wake);
            else pthread_cond_broadcast(&wake);
        }
        pthread_mutex_unlock(&mutex);
    }
    work(context);
    if (!mine) return;
    pthread_mutex_lock(&mutex);
    pool.openings = 0; /* who has not woken by now comes too late: nothing is left to do */
    while (pool.working) pthread_cond_wait(&finished, &mutex);
    pool.busy = false;
    pthread_mutex_unlock(&mutex);
}
