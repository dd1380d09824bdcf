/* One pool of threads for the process, started when first needed, asleep when idle. */
#ifndef TRUENO_THREADS_H
#define TRUENO_THREADS_H

/* Sets how many threads a launch may use that asks for no number. */
void threads_open(int count);

/* How many threads may work on what the calling thread launches, itself among them. */
int threads_count(void);

/* Runs work(context) on the calling thread and on up to `count - 1` others, and returns when all
 * have returned. The pool serves one caller at a time: another runs its work alone. */
void threads_run(int count, void (*work)(void *context), void *context);

#endif
