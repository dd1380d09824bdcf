// IEEE 754 binary floating point: T is f32 (U u32, I i32) or f64 (U u64, I i64), with MANT explicit
// mantissa bits, exponent bias BIAS and largest exponent field EMAX. Everything that a driver may
// do loosely, or optimise as if NaN and infinity did not exist, is decided on the bits.

fn exact_$T(x: $T) -> $T {
    // p.zero is 0, which no compiler knows: it may neither contract nor reassociate through this.
    return bitcast<$T>(bitcast<$U>(x) ^ $U(p.zero));
}

fn magnitude_$T(x: $T) -> $U { return bitcast<$U>(x) & (($U(1) << ($BITSu - 1u)) - $U(1)); }
fn signbit_$T(x: $T) -> $U { return bitcast<$U>(x) & ($U(1) << ($BITSu - 1u)); }
fn inf_$T() -> $T { return bitcast<$T>($INF | $U(p.zero)); }
fn nan_$T() -> $T { return bitcast<$T>($NAN | $U(p.zero)); }
fn isnan_$T(x: $T) -> bool { return magnitude_$T(x) > $INF; }
fn isinf_$T(x: $T) -> bool { return magnitude_$T(x) == $INF; }
fn isfinite_$T(x: $T) -> bool { return magnitude_$T(x) < $INF; }
fn truth_$T(x: $T) -> bool { return magnitude_$T(x) != $U(0); }
fn copysign_$T(x: $T, y: $T) -> $T { return bitcast<$T>(magnitude_$T(x) | signbit_$T(y)); }

fn add_$T(a: $T, b: $T) -> $T { return exact_$T(a + b); }
fn subtract_$T(a: $T, b: $T) -> $T { return exact_$T(a - b); }
fn multiply_$T(a: $T, b: $T) -> $T { return exact_$T(a * b); }
fn square_$T(a: $T) -> $T { return exact_$T(a * a); }
fn negative_$T(a: $T) -> $T { return bitcast<$T>(bitcast<$U>(a) ^ ($U(1) << ($BITSu - 1u))); }
fn abs_$T(a: $T) -> $T { return bitcast<$T>(magnitude_$T(a)); }
fn reciprocal_$T(a: $T) -> $T { return divide_$T($T(1), a); }
fn equal_$T(a: $T, b: $T) -> bool { return a == b; }
fn less_$T(a: $T, b: $T) -> bool { return a < b; }
fn less_equal_$T(a: $T, b: $T) -> bool { return a <= b; }
// -0 + x is x for every x, -0 too.
fn identity_add_$T() -> $T { return bitcast<$T>($U(1) << ($BITSu - 1u)); }
fn identity_multiply_$T() -> $T { return $T(1); }
fn identity_maximum_$T() -> $T { return negative_$T(inf_$T()); }
fn identity_minimum_$T() -> $T { return inf_$T(); }

// Of equals (0 and -0) the second, as x86's maxps and so NumPy there.
fn maximum_$T(a: $T, b: $T) -> $T {
    return exact_$T(select(b, a, isnan_$T(a) || (a > b && !isnan_$T(b))));
}

fn minimum_$T(a: $T, b: $T) -> $T {
    return exact_$T(select(b, a, isnan_$T(a) || (a < b && !isnan_$T(b))));
}

fn sign_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    if (!truth_$T(x)) { return $T(0); }
    return copysign_$T($T(1), x);
}

fn leaky_relu_$T(x: $T, slope: $T) -> $T {
    if (x > $T(0)) { return x; }
    return exact_$T(x * slope);
}

// A finite nonzero number as mantissa * 2^(exponent - BIAS - MANT), its leading bit at MANT.
struct Parts_$T { mantissa: $U, exponent: i32 }

fn parts_$T(magnitude: $U) -> Parts_$T {
    let field = i32(magnitude >> $MANTu);
    if (field != 0) {
        return Parts_$T((magnitude & (($U(1) << $MANTu) - $U(1))) | ($U(1) << $MANTu), field);
    }
    let shift = leading_zeros_$U(magnitude) - ($BITSu - 1u - $MANTu);
    return Parts_$T(magnitude << shift, 1 - i32(shift));
}

// The correctly rounded quotient. Vulkan allows 2.5 ULP, so the driver's quotient is an estimate:
// the remainder a - q*b, scaled to an integer, is small, hence exact modulo 2^BITS, and says how
// many units in the last place the estimate is off. (fma would do, but llvmpipe's and DX12's
// rounds twice.)
fn divide_$T(a: $T, b: $T) -> $T {
    let q = exact_$T(a / b);
    let x = magnitude_$T(a);
    let y = magnitude_$T(b);
    let z = magnitude_$T(q);
    let least = $U(1) << $MANTu;
    let mb = (y & (least - $U(1))) | least;
    let mq = (z & (least - $U(1))) | least;
    let shift = i32(x >> $MANTu) - i32(y >> $MANTu) - i32(z >> $MANTu) + $BIAS + $MANT;
    var rest = bitcast<$I>((((x & (least - $U(1))) | least) << u32(shift & ($BITS - 1))) - mq * mb);
    // Next to a power of two the unit in the last place changes: only an exact quotient is easy.
    let inner = rest == $I(0) || (mq >= least + $U(4) && mq <= least + (least - $U(5)));
    let normal = min(x, min(y, z)) >= least && max(x, max(y, z)) < $INF;
    if (!inner || !normal || shift < $MANT - 1 || shift > $MANT + 2) {
        return divide_slowly_$T(a, b);
    }
    let unit = bitcast<$I>(mb);
    var bits = bitcast<$U>(q);
    for (var i = 0; i < 3; i++) {
        let up = rest + rest > unit;
        let down = rest + rest < -unit;
        rest += select($I(0), unit, down) - select($I(0), unit, up);
        bits += select($U(0), $U(1), up) - select($U(0), $U(1), down);
    }
    return bitcast<$T>(bits);
}

fn divide_slowly_$T(a: $T, b: $T) -> $T {
    let x = magnitude_$T(a);
    let y = magnitude_$T(b);
    let sign = signbit_$T(a) ^ signbit_$T(b);
    if (x > $INF || y > $INF || (x == $INF && y == $INF) || (x | y) == $U(0)) { return nan_$T(); }
    if (x == $INF || y == $U(0)) { return bitcast<$T>($INF | sign); }
    if (x == $U(0) || y == $INF) { return bitcast<$T>(sign); }
    let pa = parts_$T(x);
    let pb = parts_$T(y);
    let under = select(0u, 1u, pa.mantissa < pb.mantissa);
    let ma = pa.mantissa << under;
    let exponent = pa.exponent - pb.exponent + $BIAS - i32(under);
    // Estimate the quotient of the mantissas, in [1, 2), in units of 2^-MANT; then make it the
    // floor.
    let least = $U(1) << $MANTu;
    let one = $U($BIAS) << $MANTu;
    let fa = bitcast<$T>((pa.mantissa & (least - $U(1))) | (one + ($U(under) << $MANTu)));
    let fb = bitcast<$T>((pb.mantissa & (least - $U(1))) | one);
    var q = bitcast<$U>(exact_$T(fa / fb)) - one + least;
    let unit = bitcast<$I>(pb.mantissa);
    var rest = bitcast<$I>((ma << $MANTu) - q * pb.mantissa);
    for (var i = 0; i < 8; i++) {
        if (rest < $I(0)) {
            rest += unit;
            q -= $U(1);
        } else if (rest >= unit) {
            rest -= unit;
            q += $U(1);
        } else {
            break;
        }
    }
    if (exponent >= 1) {
        if (exponent >= $EMAX) { return bitcast<$T>($INF | sign); }
        q += select($U(0), $U(1), rest + rest > unit);
        return bitcast<$T>(((($U(exponent) - $U(1)) << $MANTu) + q) | sign);
    }
    // A subnormal result: round at its own last place, half to even.
    let shift = u32(1 - exponent);
    if (shift > $MANTu + 1u) { return bitcast<$T>(sign); }
    let kept = q >> shift;
    let lost = q & (($U(1) << shift) - $U(1));
    let half = $U(1) << (shift - 1u);
    let up = lost > half || (lost == half && (rest > $I(0) || (kept & $U(1)) == $U(1)));
    return bitcast<$T>((kept + select($U(0), $U(1), up)) | sign);
}

// The correctly rounded square root, by the same exact remainder: s is right when -s < x - s*s <= s
// in units of the square of its last place.
fn sqrt_$T(x: $T) -> $T {
    let m = magnitude_$T(x);
    if (m == $U(0) || m > $INF) { return x; }
    if (signbit_$T(x) != $U(0)) { return nan_$T(); }
    if (m == $INF) { return x; }
    let parts = parts_$T(m);
    let least = $U(1) << $MANTu;
    let odd = u32((parts.exponent + $BIAS) & 1);
    let mx = parts.mantissa << odd;
    let one = $U($BIAS) << $MANTu;
    let fx = bitcast<$T>((parts.mantissa & (least - $U(1))) | (one + ($U(odd) << $MANTu)));
    var s = bitcast<$U>(exact_$T(sqrt(fx))) - one + least;
    var rest = bitcast<$I>((mx << $MANTu) - s * s);
    for (var i = 0; i < 8; i++) {
        if (rest <= -bitcast<$I>(s)) {
            s -= $U(1);
            rest += bitcast<$I>(s + s + $U(1));
        } else if (rest > bitcast<$I>(s)) {
            rest -= bitcast<$I>(s + s + $U(1));
            s += $U(1);
        } else {
            break;
        }
    }
    let exponent = (parts.exponent - $BIAS - i32(odd)) / 2 + $BIAS;
    return bitcast<$T>((($U(exponent) - $U(1)) << $MANTu) + s);
}

// The exact remainder of truncated division (C's fmod), by long division of the mantissas.
fn fmod_$T(a: $T, b: $T) -> $T {
    let x = magnitude_$T(a);
    let y = magnitude_$T(b);
    if (x >= $INF || y > $INF || y == $U(0)) { return nan_$T(); }
    if (x < y) { return a; }
    let pa = parts_$T(x);
    let pb = parts_$T(y);
    var rest = pa.mantissa % pb.mantissa;
    var left = pa.exponent - pb.exponent;
    while (left > 0 && rest != $U(0)) {
        let step = min(left, $BITS - 1 - $MANT);
        rest = (rest << u32(step)) % pb.mantissa;
        left -= step;
    }
    if (rest == $U(0)) { return bitcast<$T>(signbit_$T(a)); }
    let shift = i32(leading_zeros_$U(rest)) - ($BITS - 1 - $MANT);
    let exponent = pb.exponent - shift;
    if (exponent >= 1) {
        let bits = (($U(exponent) - $U(1)) << $MANTu) + (rest << u32(shift));
        return bitcast<$T>(bits | signbit_$T(a));
    }
    // Subnormal: b's own scale may lie below the least subnormal, then the low bits are zero.
    if (pb.exponent >= 1) { return bitcast<$T>((rest << u32(pb.exponent - 1)) | signbit_$T(a)); }
    return bitcast<$T>((rest >> u32(1 - pb.exponent)) | signbit_$T(a));
}

// NumPy's npy_divmod: the remainder has the divisor's sign, and the quotient is snapped to an
// integer.
fn remainder_$T(a: $T, b: $T) -> $T {
    let mod_ = fmod_$T(a, b);
    if (!truth_$T(b) || isnan_$T(mod_)) { return mod_; }
    if (!truth_$T(mod_)) { return copysign_$T($T(0), b); }
    if (signbit_$T(b) != signbit_$T(mod_)) { return add_$T(mod_, b); }
    return mod_;
}

fn floor_divide_$T(a: $T, b: $T) -> $T {
    let zero = !truth_$T(b);
    let mod_ = fmod_$T(a, b);
    var quotient = divide_$T(select(subtract_$T(a, mod_), a, zero), b);
    if (zero || isnan_$T(quotient)) { return quotient; }
    if (truth_$T(mod_) && signbit_$T(b) != signbit_$T(mod_)) {
        quotient = subtract_$T(quotient, $T(1));
    }
    if (!truth_$T(quotient)) { return bitcast<$T>(signbit_$T(a) ^ signbit_$T(b)); }
    let below = floor_$T(quotient);
    return select(below, add_$T(below, $T(1)), subtract_$T(quotient, below) > $T(0.5));
}

// x * 2^n in two exact steps and one rounding, for |n| up to twice the exponent range.
fn scale_$T(x: $T, n: i32) -> $T {
    let half = n >> 1u;
    let low = bitcast<$T>($U(half + $BIAS) << $MANTu);
    let high = bitcast<$T>($U(n - half + $BIAS) << $MANTu);
    return exact_$T(x * low) * high;
}

// Which condition a result that is not finite brings: invalid where no operand is NaN; divide where
// finite operands met a pole; overflow where finite operands met none.
fn condition_$T(r: $T, nan: bool, finite: bool, pole: bool) -> u32 {
    if (isnan_$T(r)) { return select(8u, 0u, nan); }
    if (!isinf_$T(r) || !finite) { return 0u; }
    return select(2u, 1u, pole);
}
