/* The loops of integer division, by the functions of division.h: part of kernels.c. */
#ifndef TRUENO_KERNELS_DIVISION_H
#define TRUENO_KERNELS_DIVISION_H

/* A tile whose divisors are one number, usually a constant: q = x / d rounded down is u / |d| with
 * some bits flipped, where u is x, or -1 - x if that is negative, or both of -x if d is. */
enum { DIVISION_BLOCK = 256 };
#define DIVISION_BY_ONE(S, T, U, name) \
    static void name##_by_one_##S(const T *xs, T y, T *out, int64_t n) { \
        T d = NO_QUOTIENT(y, T) ? (T)1 : y, down = d < 0 ? (T)-1 : 0; \
        Inverse_##U inverse = invert_##U((U)((d ^ down) - down)); \
        U u[DIVISION_BLOCK], flip[DIVISION_BLOCK]; \
        for (int64_t at = 0; at < n; at += DIVISION_BLOCK, xs += DIVISION_BLOCK, \
                     out += DIVISION_BLOCK) { \
            int64_t count = n - at < DIVISION_BLOCK ? n - at : DIVISION_BLOCK; \
            for (int64_t i = 0; i < count; i++) { \
                T x = xs[i]; \
                flip[i] = (U)-(U)(down ? x > 0 : x < 0); \
                u[i] = (U)(((U)x ^ (U)down) - (U)down) ^ flip[i]; \
            } \
            divide_all_##U(u, (int)count, inverse); \
            INDEPENDENT for (int64_t i = 0; i < count; i++) { \
                T x = xs[i], q = (T)(u[i] ^ flip[i]), rest = (T)(x - (T)(q * d)); \
                out[i] = FLOORED_##name(x, y, d, q, rest, T); \
            } \
        } \
    }
#define DIVISION_BY_EACH(S, T, name) \
    static __attribute__((noinline)) void name##_by_each_##S(const T *xs, const T *ys, T *out, \
                                                             int64_t n)
/* Two functions: in one the compiler threads jumps through both loops, and vectorises neither. */
#define DIVISION_LOOP(S, T, name) \
    LOOP(name##_loop_##S) { \
        const T *ys = y_; \
        T differ = 0; \
        EACH differ |= ys[i] ^ ys[0]; \
        if (n && !differ) name##_by_one_##S(x_, ys[0], out_, n); \
        else name##_by_each_##S(x_, ys, out_, n); \
    }
#define SHORT_DIVISION_LOOPS(S, T, U, name) \
    DIVISION_BY_ONE(S, T, U, name) \
    DIVISION_BY_EACH(S, T, name) { \
        EACH { \
            T x = xs[i], y = ys[i], d = NO_QUOTIENT(y, T) ? (T)1 : y; \
            T q = SHORT_QUOTIENT(x, d, T), rest = (T)(x - (T)(q * d)); \
            out[i] = CUT_##name(x, y, d, q, rest, T); \
        } \
    } \
    DIVISION_LOOP(S, T, name)
#ifdef __AVX512DQ__
#define LONG_DIVISION_LOOPS(S, T, U, name) \
    DIVISION_BY_ONE(S, T, U, name) \
    DIVISION_BY_EACH(S, T, name) { \
        EACH { \
            T x = xs[i], y = ys[i], d = NO_QUOTIENT(y, T) ? (T)1 : y; \
            U r, u = divide_long(x < 0 ? 0 - (U)x : (U)x, d < 0 ? 0 - (U)d : (U)d, &r); \
            T q = (x < 0) == (d < 0) ? (T)u : (T)(0 - u), rest = x < 0 ? (T)(0 - r) : (T)r; \
            (void)q; /* which remainders do without */ \
            out[i] = CUT_##name(x, y, d, q, rest, T); \
        } \
    } \
    DIVISION_LOOP(S, T, name)
#else /* where it is not vectors that divide, branches are better than selections */
#define LONG_DIVISION_LOOPS(S, T, U, name) \
    DIVISION_BY_ONE(S, T, U, name) \
    DIVISION_BY_EACH(S, T, name) { \
        uint64_t far = 0; \
        EACH far |= NEAR(xs[i], T) | NEAR(ys[i], T); \
        if (!(far >> IN_DOUBLE(T))) { \
            EACH { \
                T x = xs[i], y = ys[i], d = NO_QUOTIENT(y, T) ? (T)1 : y; \
                T q = (T)divide_near((int64_t)x, (int64_t)d), rest = x - q * d; \
                out[i] = FLOORED_##name(x, y, d, q, rest, T); \
            } \
            return; \
        } \
        for (int64_t i = 0; i < n; i++) { \
            T x = xs[i], y = ys[i]; \
            if (NO_QUOTIENT(y, T)) { \
                out[i] = CUT_##name(x, y, (T)1, x, (T)0, T); \
            } else { \
                T q = x / y, rest = x % y; \
                (void)q; \
                out[i] = CUT_##name(x, y, y, q, rest, T); \
            } \
        } \
    } \
    DIVISION_LOOP(S, T, name)
#endif

#endif
