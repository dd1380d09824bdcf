#define _GNU_SOURCE
#include "threads.h"

#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "park.h"
#include "seat.h"
#include "trueno.h"

enum { MOST = 256 };

/* How long the caller looks out for the others' end before he sleeps: about as long as their last
 * parts take. It shortens work of 100 microseconds on two threads by 10 to 20. The others sleep at
 * once: Python seldom comes back within 20 microseconds. */
#define PATIENCE_NS 20000

/* threadpoolctl finds these two in the shared library. */
#define EXPORTED __attribute__((visibility("default")))

static atomic_int usual_count = 1, current_count = 1;
static _Thread_local int wish;

static struct {
    atomic_bool busy;     /* a caller has the pool; the plain fields are his */
    atomic_int openings;  /* threads that may still join the work; idle threads sleep while 0 */
    atomic_int finished;  /* threads that have left the work; the caller sleeps on it in the end */
    atomic_bool awaited;  /* he does */
    bool prepared;        /* the fork handler is installed */
    int started;          /* threads that exist */
    Seat seat[MOST];      /* and where they sit */
    void (*work)(void *);
    void *context;
} pool;

static int bounded(int count) { return count < 1 ? 1 : count > MOST ? MOST : count; }

void threads_open(int count) {
    atomic_store(&usual_count, bounded(count));
    atomic_store(&current_count, bounded(count));
}

EXPORTED void trueno_set_num_threads(int count) { atomic_store(&current_count, bounded(count)); }

EXPORTED int trueno_get_num_threads(void) { return atomic_load(&current_count); }

void trueno_use_threads(int count) { wish = count; }

/* A count set below the usual one limits every wish: it is there lest the threads of several
 * libraries multiply. */
int threads_count(void) {
    int count = atomic_load(&current_count);
    if (wish <= 0) return count;
    return wish > count && count < atomic_load(&usual_count) ? count : bounded(wish);
}

static int64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * (int64_t)1000000000 + now.tv_nsec;
}

/* Whether the word changes from `value` within the time of one's patience. */
static bool changes(atomic_int *word, int value) {
    int64_t end = now_ns() + PATIENCE_NS;
    do {
        for (int i = 0; i < 16; i++) {
            if (atomic_load_explicit(word, memory_order_relaxed) != value) return true;
            relax();
        }
    } while (now_ns() < end);
    return false;
}

static void *serve(void *seat) {
    seat_take(seat);
    for (;;) {
        int openings = atomic_load(&pool.openings);
        if (openings == 0) {
            seat_leave(seat);
            park(&pool.openings, 0);
            seat_return(seat);
        } else if (atomic_compare_exchange_weak(&pool.openings, &openings, openings - 1)) {
            pool.work(pool.context);
            atomic_fetch_add(&pool.finished, 1);
            if (atomic_load(&pool.awaited)) unpark(&pool.finished, 1);
        }
    }
    return NULL;
}

/* A child of fork has the memory but not the threads: it begins afresh. */
static void in_child(void) {
    park_reset();
    atomic_store(&pool.openings, 0);
    atomic_store(&pool.busy, false);
    pool.started = 0;
}

/* Starts threads up to `count`, as far as the system lets us. Signals stay with Python's. */
static void start(int count) {
    if (!pool.prepared) pool.prepared = pthread_atfork(NULL, NULL, in_child) == 0;
    if (pool.started >= count) return;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    pthread_attr_t detached;
    pthread_attr_init(&detached);
    pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
    pthread_t thread;
    while (pool.started < count &&
           pthread_create(&thread, &detached, serve, &pool.seat[pool.started]) == 0)
        pool.started++;
    pthread_attr_destroy(&detached);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
}

/* Closes the work to threads that have not joined, and waits for those that have. */
static void join(int openings) {
    int joined = openings - atomic_exchange(&pool.openings, 0), finished;
    while ((finished = atomic_load(&pool.finished)) < joined) {
        if (changes(&pool.finished, finished)) continue;
        atomic_store(&pool.awaited, true);
        park(&pool.finished, finished);
    }
    atomic_store(&pool.awaited, false);
}

void threads_run(int count, void (*work)(void *), void *context) {
    if (count <= 1 || atomic_exchange(&pool.busy, true)) {
        work(context);
        return;
    }
    start(count - 1);
    int openings = pool.started < count - 1 ? pool.started : count - 1;
    pool.work = work;
    pool.context = context;
    seats_clear(pool.seat, pool.started);
    atomic_store(&pool.finished, 0);
    atomic_store(&pool.openings, openings);
    /* One microsecond a thread; that threads wake others in turn was slower on 16 processors. */
    unpark(&pool.openings, openings);
    work(context);
    join(openings);
    atomic_store(&pool.busy, false);
}
