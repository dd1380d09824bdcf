/* Elementary functions of float64 for loops that the compiler vectorises.
 *
 * t_<name>_f64 is pure and branch-free. Compile with
 *   -O3 -fno-math-errno -fno-trapping-math -ffp-contract=off
 * (without -fno-trapping-math gcc keeps branches; contraction would make the bits depend on the
 * instruction set). The hardware's exception flags are meaningless afterwards.
 *
 * Errors: at most 2 ULP, mostly below 1; each function states its budget, docs/accuracy.md what
 * was measured.
 *
 * Trigonometric contract: t_sin_f64, t_cos_f64, t_tan_f64 hold for |x| <= T_TRIG_LIMIT_F64, for
 * infinities and for NaN. Beyond, the scalar t_sin_big_f64, t_cos_big_f64, t_tan_big_f64 are right
 * for every input: run the fast loop over a tile, then, if any fabs(x) > T_TRIG_LIMIT_F64, mend
 * those elements in a second loop.
 *
 * Special values and signed zeros follow C99 annex F and NumPy.
 */
#ifndef TRUENO_MATH_F64_H
#define TRUENO_MATH_F64_H

#include "math_f64_act.h"
#include "math_f64_arc.h"
#include "math_f64_big.h"
#include "math_f64_erf.h"
#include "math_f64_exp.h"
#include "math_f64_log.h"
#include "math_f64_root.h"
#include "math_f64_trig.h"

#endif
