/* Elementary functions for double (interim: the bodies that call libm are being replaced).
 *
 * Names: t_<name>_f64, pure, branch-free, meant for loops that the compiler vectorises.
 *
 * Trigonometric contract. t_sin_f64, t_cos_f64, t_tan_f64 hold for |x| <= T_TRIG_LIMIT_F64, NaN and
 * infinities (NaN). Beyond the limit call the scalar t_sin_big_f64, t_cos_big_f64, t_tan_big_f64,
 * which are right for every input: a kernel runs the fast loop on its tile, then, if any
 * fabs(x) > T_TRIG_LIMIT_F64, a second scalar loop that mends those lanes.
 */
#ifndef TRUENO_MATH_F64_H
#define TRUENO_MATH_F64_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#include "math_f64_exp.h"
#include "math_f64_log.h"
#include "math_f64_trig.h"
#include "math_f64_big.h"
#include "math_f64_arc.h"
#include "math_f64_root.h"
#include "math_f64_act.h"
#include "math_f64_erf.h"



#endif
