/* The instruction sets this library was built for, and the choice among them. */
#include <stddef.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "threads.h"
#include "trueno.h"

#if defined(__x86_64__)
extern const Kernels kernels_sse2;
#ifdef HAVE_AVX2
extern const Kernels kernels_avx2;
#endif
#ifdef HAVE_AVX512
extern const Kernels kernels_avx512;
#endif
#else
extern const Kernels kernels_base;
#endif

/* From the least to the most capable. */
static const Kernels *const available[] = {
#if defined(__x86_64__)
    &kernels_sse2,
#ifdef HAVE_AVX2
    &kernels_avx2,
#endif
#ifdef HAVE_AVX512
    &kernels_avx512,
#endif
#else
    &kernels_base,
#endif
};
enum { AVAILABLE = sizeof available / sizeof *available };

const Kernels *trueno_kernels;

#if defined(__x86_64__)
/* __builtin_cpu_supports does not know it in every compiler. */
static bool has_f16c(void) {
    unsigned a, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

/* The features that -march=x86-64-v3 and -march=x86-64-v4 let the compiler use. */
static bool runs_here(const Kernels *kernels) {
#if defined(__x86_64__)
    __builtin_cpu_init();
    bool v3 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2") &&
              __builtin_cpu_supports("popcnt") && has_f16c();
#ifdef HAVE_AVX512
    if (kernels == &kernels_avx512)
        return v3 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
               __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
               __builtin_cpu_supports("avx512vl");
#endif
#ifdef HAVE_AVX2
    if (kernels == &kernels_avx2) return v3;
#endif
    (void)v3;
#endif
    (void)kernels;
    return true;
}

const char *trueno_isa(int position) {
    return position >= 0 && position < AVAILABLE ? available[position]->isa : NULL;
}

int trueno_open(int cap, int threads) {
    int best = 0;
    for (int i = 0; i < AVAILABLE && (cap < 0 || i <= cap); i++)
        if (runs_here(available[i])) best = i;
    trueno_kernels = available[best];
    threads_open(threads);
    return best;
}

static const char *const names[] = {
#define OP(name) #name,
#define UNARY(name, ...) OP(name)
#define UNARY2(name, ...) OP(name)
#define BINARY(name, ...) OP(name)
#define BINARY2(name, ...) OP(name)
#define TERNARY2(name, ...) OP(name)
#define PREDICATE(name, ...) OP(name)
#define PREDICATE2(name, ...) OP(name)
#define COMPARE(name, ...) OP(name)
#define SELECT(name) OP(name)
#define DIVISION(name) OP(name)
#define MATH(name) OP(name)
#define MATH2(name) OP(name)
#define CHAIN(name) OP(name)
#define RANGED(name) OP(name)
#define RANGED2(name, ...) OP(name)
#define TRIG(name) OP(name)
#include "ops.def"
#include "undef.h"
};

static bool is_dtype(int dtype) { return dtype >= 0 && dtype < DTYPES; }
static bool is_op(int op) { return op >= 0 && op < OPS; }

const char *trueno_op(int number) { return is_op(number) ? names[number] : NULL; }

void *trueno_loop(int op, int dtype) {
    return is_op(op) && is_dtype(dtype) ? (void *)trueno_kernels->loops[op][dtype] : NULL;
}

void *trueno_cast(int source, int target) {
    bool known = is_dtype(source) && is_dtype(target);
    return known ? (void *)trueno_kernels->casts[source][target] : NULL;
}

void *trueno_pair(int first, int second) {
    bool known = first >= 0 && first < PAIR_FIRSTS && second >= 0 && second < PAIR_SECONDS;
    return known ? (void *)trueno_kernels->pairs[first][second] : NULL;
}

void *trueno_round16(void) { return (void *)trueno_kernels->round16; }

void *trueno_pick(int largest, int dtype) {
    return is_dtype(dtype) ? (void *)trueno_kernels->pick[largest != 0][dtype] : NULL;
}

void *trueno_find(int largest, int dtype) {
    return is_dtype(dtype) ? (void *)trueno_kernels->find[largest != 0][dtype] : NULL;
}

void *trueno_reducer(const char *name, int source, int target) {
    for (int i = 0; i < trueno_kernels->reducer_count; i++) {
        const Reducer *r = trueno_kernels->reducers + i;
        if (r->source == source && r->target == target && !strcmp(r->name, name)) return (void *)r;
    }
    return NULL;
}

void *trueno_check(int dtype) {
    if (dtype == D_f32 || dtype == D_f64)
        return (void *)trueno_kernels->check_float[dtype == D_f64];
    return is_dtype(dtype) ? (void *)trueno_kernels->check_divisor[dtype] : NULL;
}

void *trueno_check_narrow(int dtype) {
    return (void *)trueno_kernels->check_narrow[dtype == D_f64];
}

void *trueno_check_complex(int kind, int dtype) {
    const Kernels *k = trueno_kernels;
    bool wide = dtype == D_c128;
    return (void *)(kind == 1   ? k->check_order[wide]
                    : kind == 2 ? k->check_length[wide]
                    : kind == 3 ? k->check_exp[wide]
                                : NULL);
}

void *trueno_check_round16(void) { return (void *)trueno_kernels->check_round16; }
