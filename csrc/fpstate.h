/* The processor's floating-point flags, as conditions. */
#ifndef TRUENO_FPSTATE_H
#define TRUENO_FPSTATE_H

#include "trueno.h"

#if defined(__x86_64__) || defined(__i386__)
#include <xmmintrin.h>

enum { FLAG_INVALID = 1, FLAG_DIVIDE = 4, FLAG_OVERFLOW = 8, FLAG_UNDERFLOW = 16 };
typedef unsigned FpState;

/* Round to nearest, subnormals kept, nothing trapped, whatever the caller had. */
static inline FpState fp_enter(void) {
    FpState old = _mm_getcsr();
    _mm_setcsr(0x1f80);
    return old;
}
static inline void fp_leave(FpState old) { _mm_setcsr(old); }
static inline unsigned fp_flags(void) { return _mm_getcsr(); }
static inline void fp_clear(void) { _mm_setcsr(0x1f80); }
static inline void fp_set(unsigned flags) { _mm_setcsr(_mm_getcsr() | flags); }

/* The C library raises overflow in the flags of the old floating-point unit. Takes them over. */
static inline void fp_join(void) {
    unsigned short old;
    __asm__ volatile("fnstsw %0\n\tfnclex" : "=am"(old));
    fp_set(old & (FLAG_INVALID | FLAG_DIVIDE | FLAG_OVERFLOW | FLAG_UNDERFLOW));
}

#else
#include <fenv.h>

enum {
    FLAG_INVALID = FE_INVALID, FLAG_DIVIDE = FE_DIVBYZERO, FLAG_OVERFLOW = FE_OVERFLOW,
    FLAG_UNDERFLOW = FE_UNDERFLOW
};
typedef fenv_t FpState;

static inline FpState fp_enter(void) {
    FpState old;
    feholdexcept(&old);
    return old;
}
static inline void fp_leave(FpState old) { fesetenv(&old); }
static inline unsigned fp_flags(void) { return (unsigned)fetestexcept(FE_ALL_EXCEPT); }
static inline void fp_clear(void) { feclearexcept(FE_ALL_EXCEPT); }
static inline void fp_set(unsigned flags) { feraiseexcept((int)flags); }
static inline void fp_join(void) {}
#endif

/* The conditions since the last call; seldom any, so that reading them is nearly all it costs. */
static inline int fp_take(void) {
    unsigned flags = fp_flags();
    if (!(flags & (FLAG_INVALID | FLAG_DIVIDE | FLAG_OVERFLOW | FLAG_UNDERFLOW))) return 0;
    fp_clear();
    return (flags & FLAG_INVALID ? INVALID : 0) | (flags & FLAG_DIVIDE ? DIVIDE : 0) |
           (flags & FLAG_OVERFLOW ? OVERFLOW : 0) | (flags & FLAG_UNDERFLOW ? UNDERFLOW : 0);
}

/* Adds conditions to the caller's flags. */
static inline void fp_raise(int conditions) {
    if (!conditions) return;
    fp_set((conditions & INVALID ? FLAG_INVALID : 0u) | (conditions & DIVIDE ? FLAG_DIVIDE : 0u) |
           (conditions & OVERFLOW ? FLAG_OVERFLOW : 0u) |
           (conditions & UNDERFLOW ? FLAG_UNDERFLOW : 0u));
}

#endif
