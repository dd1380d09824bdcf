/* Elementary functions of float32 for loops that the compiler vectorises.
 *
 * t_<name>_f32 is pure and branch-free. Compile with
 *   -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off
 * (without -fno-trapping-math gcc keeps branches; contraction would make the bits depend on the
 * instruction set). The hardware's exception flags are meaningless afterwards.
 *
 * Those whose reductions allow it stay in float32 for speed, with twice as many elements a vector:
 * at most 0.96 ULP for every input (docs/accuracy.md). The others are computed in double with
 * polynomials of 2^-27 relative error or better and rounded once: at most 0.6 ULP.
 *
 * Trigonometric contract: t_sin_f32, t_cos_f32, t_tan_f32 hold for |x| <= T_TRIG_LIMIT_F32, for
 * infinities and for NaN. Beyond, the scalar t_sin_big_f32, t_cos_big_f32, t_tan_big_f32 are right
 * for every input: run the fast loop over a tile, then, if any fabs(x) > T_TRIG_LIMIT_F32, mend
 * those elements in a second loop.
 *
 * Special values and signed zeros follow C99 annex F and NumPy.
 */
#ifndef TRUENO_MATH_F32_H
#define TRUENO_MATH_F32_H

#include "math_f32_act.h"
#include "math_f32_erf.h"
#include "math_f32_exp.h"
#include "math_f32_log.h"
#include "math_f32_root.h"
#include "math_f32_trig.h"

#endif
