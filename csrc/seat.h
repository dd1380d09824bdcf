/* Which processors the pool's threads run on.
 *
 * A thread that sleeps where its waker runs is woken there, on Linux, and the two then share that
 * processor while others idle: measured with two processors, where work of half a millisecond
 * gained nothing from a second thread. So the waker first bars such threads from its processor;
 * once awake elsewhere they may run anywhere again. */
#ifndef TRUENO_SEAT_H
#define TRUENO_SEAT_H

#include <stdatomic.h>

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { SEAT_AWAKE = -1, SEAT_BARRED = -2 };

typedef struct {
    pid_t thread;
    atomic_int processor; /* where it sleeps */
    cpu_set_t usual;      /* where it may run, if it is barred now */
} Seat;

static inline void seat_take(Seat *seat) {
    seat->thread = (pid_t)syscall(SYS_gettid);
    atomic_store(&seat->processor, SEAT_AWAKE);
}
static inline void seat_leave(Seat *seat) { atomic_store(&seat->processor, sched_getcpu()); }
static inline void seat_return(Seat *seat) {
    if (atomic_exchange(&seat->processor, SEAT_AWAKE) == SEAT_BARRED)
        sched_setaffinity(0, sizeof seat->usual, &seat->usual);
}

static inline void seats_clear(Seat *seat, int count) {
    int here = sched_getcpu();
    for (; count > 0; count--, seat++) {
        if (atomic_load(&seat->processor) != here) continue;
        cpu_set_t others;
        if (sched_getaffinity(seat->thread, sizeof others, &others)) continue;
        seat->usual = others;
        CPU_CLR(here, &others);
        if (CPU_COUNT(&others) && !sched_setaffinity(seat->thread, sizeof others, &others))
            atomic_store(&seat->processor, SEAT_BARRED);
    }
}

#else
typedef char Seat;

static inline void seat_take(Seat *seat) { (void)seat; }
static inline void seat_leave(Seat *seat) { (void)seat; }
static inline void seat_return(Seat *seat) { (void)seat; }
static inline void seats_clear(Seat *seat, int count) { (void)seat, (void)count; }
#endif

#endif
