/* Sleeping until a word changes: futexes on Linux, one condition variable elsewhere. */
#ifndef TRUENO_PARK_H
#define TRUENO_PARK_H

#include <pthread.h>
#include <stdatomic.h>

/* Inside a loop that waits: leaves the processor's other thread more room. */
static inline void relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb");
#endif
}

#if defined(__linux__)
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Sleeps if `word` holds `value`; returns when woken, or for no reason. */
static inline void park(atomic_int *word, int value) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}
static inline void unpark(atomic_int *word, int count) {
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, count, NULL, NULL, 0);
}
static inline void park_reset(void) {}

#else
static pthread_mutex_t park_mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t park_changed = PTHREAD_COND_INITIALIZER;

static inline void park(atomic_int *word, int value) {
    pthread_mutex_lock(&park_mutex);
    if (atomic_load(word) == value) pthread_cond_wait(&park_changed, &park_mutex);
    pthread_mutex_unlock(&park_mutex);
}
static inline void unpark(atomic_int *word, int count) {
    (void)word, (void)count;
    pthread_mutex_lock(&park_mutex);
    pthread_cond_broadcast(&park_changed);
    pthread_mutex_unlock(&park_mutex);
}
/* In a child of fork: nobody sleeps, and the parent's threads may have held the mutex. */
static inline void park_reset(void) {
    pthread_mutex_init(&park_mutex, NULL);
    pthread_cond_init(&park_changed, NULL);
}
#endif

#endif
