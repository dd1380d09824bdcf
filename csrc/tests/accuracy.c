/* Accuracy of csrc/math_f32.h and csrc/math_f64.h, one function a run.
 *
 *   accuracy f32 NAME [STRIDE]  every STRIDE-th tile of 1024 of all 2^32 float32 inputs (default:
 *                               all), or as many pairs for a binary function, against the float64
 *                               function
 *   accuracy f64 NAME [COUNT]   COUNT float64 samples, against glibc's binary128 function
 *   accuracy names              the unary names, then the binary ones
 *   accuracy check              both, coarsely, of every function; fails beyond 1 and 2 ULP
 *
 * The first two print "NAME max_ulp worst_input [worst_second]"; max_ulp is inf where a result is
 * NaN and the reference is not, or the reverse, or a zero has the other sign.
 * An ULP is the spacing of the dtype's numbers at the reference value (Muller 2005, "On the
 * definition of ulp(x)", Goldberg's variant). The float64 functions, whose error is about 2^-53,
 * serve as the reference of the float32 ones; they are themselves checked here and with mpmath.
 *
 * cc -O3 -march=native -fno-math-errno -fno-trapping-math -ffp-contract=off -fwrapv \
 *    -I csrc csrc/tests/accuracy.c -o accuracy -lm -lpthread      (glibc 2.26 or later)
 */
#define _GNU_SOURCE
#define __STDC_WANT_IEC_60559_TYPES_EXT__
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "math_f32.h"
#include "math_f64.h"

typedef _Float128 quad;
enum { TILE = 1024, MAX_THREADS = 64 };

#define Q(c) ((quad)c##f128)
#define SQRT_HALF Q(0.70710678118654752440084436210484903928)
#define GELU_SCALE Q(0.79788456080286535587989211986876373695)

static quad q_softplus(quad x) { return (x > 0 ? x : 0) + log1pf128(expf128(-fabsf128(x))); }

static quad q_sigmoid(quad x) {
    quad z = expf128(-fabsf128(x));
    return (x >= 0 ? 1 : z) / (1 + z);
}

static quad q_gelu_tanh(quad x) {
    if (fabsf128(x) > 100) return x > 0 ? x : x * 0;
    return x * q_sigmoid(2 * GELU_SCALE * (x + (quad)0.044715f128 * x * x * x));
}

static quad q_selu(quad x) {
    return Q(1.0507009873554804934193349852946) *
           (x > 0 ? x : Q(1.6732632423543772848170429916717) * expm1f128(x));
}

static quad q_hardsigmoid(quad x) { return x < -3 ? 0 : x > 3 ? 1 : (x + 3) / 6; }

static quad q_logaddexp(quad x, quad y) {
    quad d = x - y;
    if (x == y) return x + Q(0.69314718055994530941723212145817656807);
    return (d > 0 ? x : y) + log1pf128(expf128(-fabsf128(d)));
}

/*   name        finite sample range     binary128 reference */
#define UNARY(X)                                                                        \
    X(exp,         -746, 710,          expf128(x))                                      \
    X(exp2,        -1076, 1025,        exp2f128(x))                                     \
    X(expm1,       -50, 710,           expm1f128(x))                                    \
    X(log,         0, 4,               logf128(x))                                      \
    X(log2,        0, 4,               log2f128(x))                                     \
    X(log10,       0, 4,               log10f128(x))                                    \
    X(log1p,       -1, 4,              log1pf128(x))                                    \
    X(sin,         -100, 100,          sinf128(x))                                      \
    X(cos,         -100, 100,          cosf128(x))                                      \
    X(tan,         -100, 100,          tanf128(x))                                      \
    X(asin,        -1, 1,              asinf128(x))                                     \
    X(acos,        -1, 1,              acosf128(x))                                     \
    X(atan,        -8, 8,              atanf128(x))                                     \
    X(sinh,        -711, 711,          sinhf128(x))                                     \
    X(cosh,        -711, 711,          coshf128(x))                                     \
    X(tanh,        -20, 20,            tanhf128(x))                                     \
    X(asinh,       -8, 8,              asinhf128(x))                                    \
    X(acosh,       1, 8,               acoshf128(x))                                    \
    X(atanh,       -1, 1,              atanhf128(x))                                    \
    X(cbrt,        -8, 8,              cbrtf128(x))                                     \
    X(rsqrt,       0, 8,               1 / sqrtf128(x))                                 \
    X(erf,         -6, 6,              erff128(x))                                      \
    X(erfc,        -6, 28,             erfcf128(x))                                     \
    X(sigmoid,     -745, 40,           q_sigmoid(x))                                    \
    X(softplus,    -745, 40,           q_softplus(x))                                   \
    X(silu,        -745, 40,           x * q_sigmoid(x))                               \
    X(mish,        -745, 40,           x * tanhf128(q_softplus(x)))                    \
    X(gelu,        -39, 10,            x * erfcf128(-x * SQRT_HALF) / 2)                \
    X(gelu_tanh,   -22, 10,            q_gelu_tanh(x))                                  \
    X(selu,        -40, 4,             q_selu(x))                                       \
    X(hardsigmoid, -4, 4,              q_hardsigmoid(x))                                \
    X(hardswish,   -4, 4,              x * q_hardsigmoid(x))                            \
    X(softsign,    -8, 8,              isinf(x) ? NAN : x / (1 + fabsf128(x)))

/*   name        ranges of x and of y               binary128 reference */
#define BINARY(X)                                                                       \
    X(atan2,       -8, 8, -8, 8,                    atan2f128(x, y))                    \
    X(pow,         0, 8, -40, 40,                   powf128(x, y))                      \
    X(hypot,       -8, 8, -8, 8,                    hypotf128(x, y))                    \
    X(logaddexp,   0, 40, 0, 40,                    q_logaddexp(x, y))

/* After the loops: angles beyond the fast reduction's limit go the other way, ... */
#define MEND(name, T, S, LIMIT)                                                         \
    static void mend_##name##_##T(const S *a, const S *b, S *out) {                     \
        (void)b;                                                                        \
        for (int i = 0; i < TILE; i++)                                                  \
            if (t_fabs(a[i]) > LIMIT) out[i] = t_##name##_big_##T(a[i]);                \
    }
#define TRIG(name)                                                                      \
    MEND(name, f32, float, T_TRIG_LIMIT_F32) MEND(name, f64, double, T_TRIG_LIMIT_F64)
TRIG(sin)
TRIG(cos)
TRIG(tan)

/* ... and where the shorter way for usual arguments differs, the result becomes NaN: an error. */
#define SAME(name, T, S, ARGUMENTS)                                                     \
    static void mend_##name##_##T(const S *a, const S *b, S *out) {                     \
        (void)b;                                                                        \
        for (int i = 0; i < TILE; i++) {                                                \
            S near = t_##name##_near_##T ARGUMENTS;                                     \
            int differs = memcmp(&near, &out[i], sizeof(S)) != 0;                       \
            if (differs && t_##name##_is_near_##T ARGUMENTS >= 0) out[i] = (S)NAN;      \
        }                                                                               \
    }
#define RANGED(name, ARGUMENTS) SAME(name, f32, float, ARGUMENTS) SAME(name, f64, double, ARGUMENTS)
RANGED(exp, (a[i]))
RANGED(exp2, (a[i]))
RANGED(log, (a[i]))
RANGED(log2, (a[i]))
RANGED(log10, (a[i]))
RANGED(pow, (a[i], b[i]))
#define MENDED(X) X(sin) X(cos) X(tan) X(exp) X(exp2) X(log) X(log2) X(log10) X(pow)

#define LOOPS1(name, lo, hi, reference)                                                 \
    static void f32_##name(const float *restrict a, const float *restrict b,            \
                           float *restrict out) {                                       \
        (void)b;                                                                        \
        for (int i = 0; i < TILE; i++) out[i] = t_##name##_f32(a[i]);                   \
    }                                                                                   \
    static void f64_##name(const double *restrict a, const double *restrict b,          \
                           double *restrict out) {                                      \
        (void)b;                                                                        \
        for (int i = 0; i < TILE; i++) out[i] = t_##name##_f64(a[i]);                   \
    }                                                                                   \
    static quad quad_##name(quad x, quad y) {                                           \
        (void)y;                                                                        \
        return reference;                                                               \
    }
UNARY(LOOPS1)

#define LOOPS2(name, lo, hi, lo2, hi2, reference)                                       \
    static void f32_##name(const float *restrict a, const float *restrict b,            \
                           float *restrict out) {                                       \
        for (int i = 0; i < TILE; i++) out[i] = t_##name##_f32(a[i], b[i]);             \
    }                                                                                   \
    static void f64_##name(const double *restrict a, const double *restrict b,          \
                           double *restrict out) {                                      \
        for (int i = 0; i < TILE; i++) out[i] = t_##name##_f64(a[i], b[i]);             \
    }                                                                                   \
    static quad quad_##name(quad x, quad y) { return reference; }
BINARY(LOOPS2)

typedef struct {
    const char *name;
    int nin;
    double range[4];
    void (*f32)(const float *, const float *, float *);
    void (*f64)(const double *, const double *, double *);
    quad (*reference)(quad, quad);
    void (*mend_f32)(const float *, const float *, float *);
    void (*mend_f64)(const double *, const double *, double *);
} function;

#define ROW1(name, lo, hi, reference) \
    {#name, 1, {lo, hi, 0, 0}, f32_##name, f64_##name, quad_##name, 0, 0},
#define ROW2(name, lo, hi, lo2, hi2, reference) \
    {#name, 2, {lo, hi, lo2, hi2}, f32_##name, f64_##name, quad_##name, 0, 0},
static function functions[] = {UNARY(ROW1) BINARY(ROW2)};
enum { FUNCTIONS = sizeof functions / sizeof *functions };

static const function *find(const char *name) {
    for (int i = 0; i < FUNCTIONS; i++) {
        function *f = &functions[i];
        if (strcmp(f->name, name)) continue;
#define SET(n) \
    if (!strcmp(name, #n)) f->mend_f32 = mend_##n##_f32, f->mend_f64 = mend_##n##_f64;
        MENDED(SET)
        return f;
    }
    fprintf(stderr, "accuracy: no function is called %s\n", name);
    exit(2);
}

typedef struct {
    double ulp, x, y;
} worst;

typedef struct {
    const function *f;
    uint64_t first, last, stride;
    worst result;
} job;

static inline uint64_t bits_of(double x) {
    uint64_t b;
    memcpy(&b, &x, 8);
    return b;
}

static inline double double_of(uint64_t b) {
    double x;
    memcpy(&x, &b, 8);
    return x;
}

/* Spacing at r of the numbers of `digits` binary digits and least positive number `least`; from
 * 2^huge on, that of the last binade. */
static inline double spacing(double r, int digits, double least, int huge) {
    double binade = double_of(bits_of(r) & 0x7ff0000000000000u);
    double last = double_of((uint64_t)(1022 + huge) << 52);
    double s = (binade > last ? last : binade) * double_of((uint64_t)(1024 - digits) << 52);
    return s > least ? s : least;
}

/* The error e, or infinity where one of the two is NaN or a zero has the wrong sign. */
static inline double judge(double o, double r, double e) {
    double o_nan = o != o ? 1 : 0, r_nan = r != r ? 1 : 0;
    double o_sign = copysign(1, o), r_sign = copysign(1, r);
    e = o_nan == r_nan ? e : INFINITY;
    e = o == 0 ? (o_sign == r_sign ? e : INFINITY) : e;
    return e == e ? e : 0;
}

static inline double clamp(double x, double huge) {
    return x > huge ? huge : -huge > x ? -huge : x;
}

/* Sample k: even, all bit patterns alike; odd, uniform in the function's range. */
static double sample(uint64_t k, const double *range, int operand) {
    uint64_t z = (2 * k + (uint64_t)operand + 1) * 0x9e3779b97f4a7c15u; /* splitmix64 */
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    if (!(k & 1)) return double_of(z);
    double lo = range[2 * operand], hi = range[2 * operand + 1];
    return lo + (hi - lo) * ((double)(z >> 11) * 0x1p-53);
}

static float float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, 4);
    return x;
}

static float sample_f32(uint64_t k, const double *range, int operand) {
    double x = sample(k, range, operand);
    return k & 1 ? (float)x : float_of((uint32_t)(bits_of(x) >> 32));
}

static void *sweep_f32(void *argument) {
    job *j = argument;
    static _Thread_local float a[TILE], b[TILE], out[TILE];
    static _Thread_local double wide_a[TILE], wide_b[TILE], ref[TILE], error[TILE];
    for (uint64_t tile = j->first; tile < j->last; tile += j->stride) {
        for (int i = 0; i < TILE; i++) {
            uint64_t k = tile * TILE + (uint64_t)i;
            a[i] = float_of((uint32_t)k);
            wide_a[i] = a[i];
        }
        for (int i = 0; i < TILE && j->f->nin == 2; i++) {
            uint64_t k = tile * TILE + (uint64_t)i;
            wide_a[i] = a[i] = sample_f32(k, j->f->range, 0);
            wide_b[i] = b[i] = sample_f32(k, j->f->range, 1);
        }
        j->f->f32(a, b, out);
        j->f->f64(wide_a, wide_b, ref);
        if (j->f->mend_f32) j->f->mend_f32(a, b, out), j->f->mend_f64(wide_a, wide_b, ref);
        double known = j->result.ulp;
        int64_t worse = 0;
        for (int i = 0; i < TILE; i++) {
            double o = clamp(out[i], 0x1p128), r = clamp(ref[i], 0x1p128);
            error[i] = judge(o, r, fabs(o - r) / spacing(r, 24, 0x1p-149, 128));
            worse += error[i] > known;
        }
        if (!worse) continue;
        for (int i = 0; i < TILE; i++)
            if (error[i] > j->result.ulp) j->result = (worst){error[i], a[i], b[i]};
    }
    return 0;
}

static void *sweep_f64(void *argument) {
    job *j = argument;
    static _Thread_local double a[TILE], b[TILE], out[TILE];
    for (uint64_t tile = j->first; tile < j->last; tile++) {
        for (int i = 0; i < TILE; i++) {
            a[i] = sample(tile * TILE + (uint64_t)i, j->f->range, 0);
            b[i] = sample(tile * TILE + (uint64_t)i, j->f->range, 1);
        }
        j->f->f64(a, b, out);
        if (j->f->mend_f64) j->f->mend_f64(a, b, out);
        for (int i = 0; i < TILE; i++) {
            quad r = j->f->reference(a[i], b[i]);
            quad huge = (quad)0x1p1023 * 2, o = out[i];
            r = r > huge ? huge : -huge > r ? -huge : r;
            o = o > huge ? huge : -huge > o ? -huge : o;
            /* the reference rounded towards zero has the reference's binade */
            double near = (double)r;
            if (fabsf128((quad)near) > fabsf128(r)) near = nextafter(near, 0);
            double e = (double)(fabsf128(o - r) / spacing(near, 53, 0x1p-1074, 1024));
            e = judge(out[i], near, e);
            if (e > j->result.ulp) j->result = (worst){e, a[i], b[i]};
        }
    }
    return 0;
}

static worst in_threads(const function *f, void *(*sweep)(void *), uint64_t tiles,
                        uint64_t stride) {
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    n = n < 1 ? 1 : n > MAX_THREADS ? MAX_THREADS : n;
    pthread_t threads[MAX_THREADS];
    job jobs[MAX_THREADS];
    worst all = {0, 0, 0};
    for (long t = 0; t < n; t++) {
        uint64_t part = (uint64_t)t, parts = (uint64_t)n;
        jobs[t] = (job){f, tiles * part / parts, tiles * (part + 1) / parts, stride, all};
        pthread_create(&threads[t], 0, sweep, &jobs[t]);
    }
    for (long t = 0; t < n; t++) {
        pthread_join(threads[t], 0);
        if (jobs[t].result.ulp > all.ulp) all = jobs[t].result;
    }
    return all;
}

/* The largest error of STRIDE-th tiles, or of COUNT samples. */
static worst search(const function *f, int wide, uint64_t number) {
    uint64_t count = wide ? number : 1ull << 32;
    uint64_t tiles = (count + TILE - 1) / TILE;
    return in_threads(f, wide ? sweep_f64 : sweep_f32, tiles, wide ? 1 : number);
}

static void print_worst(const function *f, int wide, uint64_t number) {
    worst w = search(f, wide, number ? number : wide ? 1u << 20 : 1);
    printf("%s %.4f %a", f->name, w.ulp, w.x);
    if (f->nin == 2) printf(" %a", w.y);
    printf("\n");
}

static int check(void) {
    int beyond = 0;
    for (int i = 0; i < FUNCTIONS; i++) {
        const function *f = find(functions[i].name);
        double single = search(f, 0, 1 << 14).ulp, wide = search(f, 1, 1 << 14).ulp;
        if (!strcmp(f->name, "logaddexp")) single = 0; /* it cancels: see docs/accuracy.md */
        if (single <= 1 && wide <= 2) continue;
        printf("%s: %.4f ULP in float32, %.4f in float64\n", f->name, single, wide);
        beyond = 1;
    }
    return beyond;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "names")) {
        for (int i = 0; i < FUNCTIONS; i++)
            printf("%s %d\n", functions[i].name, functions[i].nin);
        return 0;
    }
    if (argc == 2 && !strcmp(argv[1], "check")) return check();
    if (argc < 3) {
        fprintf(stderr, "usage: accuracy names | check | f32 NAME [STRIDE] | f64 NAME [COUNT]"
                        "\n");
        return 2;
    }
    const function *f = find(argv[2]);
    print_worst(f, !strcmp(argv[1], "f64"), argc > 3 ? strtoull(argv[3], 0, 10) : 0);
    return 0;
}
