// Elementary functions of T (float32 and float64), as csrc/math_f64_*.h has them, where the methods
// and their sources are named; but no step leans on a fused multiply-add, as not every driver's
// fma rounds once: exact products are Dekker's. Polynomials and constants of a type stand in its
// own file.

// An unevaluated sum.
struct Pair_$T { hi: $T, lo: $T }

// a + b where |a| >= |b| or a is 0.
fn fast_sum_$T(a: $T, b: $T) -> Pair_$T {
    let s = exact_$T(a + b);
    return Pair_$T(s, exact_$T(b - exact_$T(s - a)));
}

fn two_sum_$T(a: $T, b: $T) -> Pair_$T {
    let s = exact_$T(a + b);
    let back = exact_$T(s - a);
    return Pair_$T(s, exact_$T(a - exact_$T(s - back)) + exact_$T(b - back));
}

fn upper_$T(x: $T) -> $T { return bitcast<$T>(bitcast<$U>(x) & ~$U($HALF)); }

fn product_$T(a: $T, b: $T) -> Pair_$T {
    let p = exact_$T(a * b);
    let ah = upper_$T(a);
    let bh = upper_$T(b);
    let al = exact_$T(a - ah);
    let bl = exact_$T(b - bh);
    let rest = exact_$T(exact_$T(exact_$T(ah * bh) - p) + exact_$T(ah * bl));
    // Of tiny operands what the halves leave would be subnormal, which a device may take for 0.
    let least = min(magnitude_$T(p), min(magnitude_$T(a), magnitude_$T(b)));
    if (least < ($U(2 * $MANT) << $MANTu)) { return Pair_$T(p, $T(0)); }
    return Pair_$T(p, exact_$T(exact_$T(rest + exact_$T(al * bh)) + exact_$T(al * bl)));
}

// a / b; the driver's quotient may be 2.5 units in the last place off.
fn ratio_$T(a: Pair_$T, b: Pair_$T) -> $T {
    let q = exact_$T(a.hi / b.hi);
    let p = product_$T(q, b.hi);
    let rest = exact_$T(exact_$T(a.hi - p.hi) - p.lo) + (a.lo - q * b.lo);
    return exact_$T(q + rest / b.hi);
}

fn quotient_$T(a: $T, b: $T) -> $T {
    return ratio_$T(Pair_$T(a, $T(0)), Pair_$T(b, $T(0)));
}

fn at_most_$T(high: $T, x: $T) -> $T { return select(x, high, x > high); }
fn at_least_$T(low: $T, x: $T) -> $T { return select(x, low, x < low); }

// ---------------------------------------------------------------- exponentials

// exp(x + x_lo) = 2^n (1 + hi + lo).
struct Power_$T { hi: $T, lo: $T, n: i32 }

// The nearest integer of a number far smaller than the large one, whose addition rounds.
fn round_near_$T(x: $T) -> $T {
    let large = $T($U(3) << ($MANTu - 1u));
    return exact_$T(exact_$T(x + large) - large);
}

fn reduced_$T(x: $T, x_lo: $T) -> Power_$T {
    let n = round_near_$T(x * log2e_$T());
    let head = exact_$T(x - exact_$T(n * ln2_upper_$T()));
    let low = exact_$T(x_lo - exact_$T(n * ln2_lower_$T()));
    let r = exact_$T(head + low);
    let p = fast_sum_$T(head, exact_$T(exact_$T(r * r) * exp_tail_$T(r)) + low);
    return Power_$T(p.hi, p.lo, i32(n));
}

// exp(x + x_lo) = 2^n (hi + lo).
fn exp_parts_$T(x: $T, x_lo: $T) -> Power_$T {
    let e = reduced_$T(x, x_lo);
    let one = fast_sum_$T($T(1), e.hi);
    let v = fast_sum_$T(one.hi, one.lo + e.lo);
    return Power_$T(v.hi, v.lo, e.n);
}

fn exp_sum_$T(x: $T, x_lo: $T) -> $T {
    let c = at_most_$T(exp_most_$T(), at_least_$T(exp_least_$T(), x));
    let e = exp_parts_$T(c, x_lo);
    return scale_$T(e.hi, e.n);
}

fn exp_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    return exp_sum_$T(x, $T(0));
}

// (exp(x) - 1) / 4
fn quarter_expm1_$T(x: $T) -> Pair_$T {
    let e = reduced_$T(at_least_$T($T(-60), x), $T(0));
    let s = scale_$T($T(1), e.n - 2);
    let power = exact_$T(s - $T(0.25));
    let power_lo = exact_$T(exact_$T(s - power) - $T(0.25));
    let sum = fast_sum_$T(power, s * e.hi);
    return fast_sum_$T(sum.hi, sum.lo + (s * e.lo + power_lo));
}

fn expm1_$T(x: $T) -> $T {
    if (isnan_$T(x) || abs_$T(x) < tiny_$T()) { return x; }
    if (x > exp_most_$T()) { return inf_$T(); }
    let q = quarter_expm1_$T(x);
    return exact_$T($T(4) * q.hi);
}

fn tanh_$T(x: $T) -> $T {
    if (isnan_$T(x) || abs_$T(x) < tiny_$T()) { return x; }
    let e = reduced_$T($T(2) * at_most_$T($T(19.25), abs_$T(x)), $T(0));
    let s = scale_$T($T(1), e.n);
    let head = exact_$T(s * e.hi);
    var above = fast_sum_$T(exact_$T(s - $T(1)), head);
    var below = fast_sum_$T(exact_$T(s + $T(1)), head);
    above.lo += s * e.lo;
    below.lo += s * e.lo;
    let far = exact_$T($T(1) - $T(2) / below.hi);
    return copysign_$T(select(ratio_$T(above, below), far, e.n > $MANT / 2 + 3), x);
}

fn sinh_$T(x: $T) -> $T {
    if (isnan_$T(x) || abs_$T(x) < tiny_$T()) { return x; }
    if (abs_$T(x) > exp_most_$T()) { return copysign_$T(inf_$T(), x); }
    let q = quarter_expm1_$T(abs_$T(x));
    var d = two_sum_$T($T(4) * at_most_$T(huge_$T(), q.hi), $T(1));
    d.lo += $T(4) * at_most_$T($T(1), q.lo);
    return copysign_$T($T(2) * exact_$T(q.hi + (q.lo + ratio_$T(q, d))), x);
}

fn cosh_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    if (abs_$T(x) > exp_most_$T()) { return inf_$T(); }
    let e = exp_parts_$T(abs_$T(x), $T(0));
    let w = scale_$T(e.hi, e.n - 2);
    return $T(2) * exact_$T(w + (scale_$T(e.lo, e.n - 2) + $T(0.0625) / w));
}

// ---------------------------------------------------------------- logarithms

// A positive finite number as 2^e m, sqrt(1/2) <= m < sqrt(2).
struct Split_$T { m: $T, e: $T }

fn split_$T(x: $T) -> Split_$T {
    var bits = bitcast<$U>(x);
    var bias = $BIAS;
    if (bits < ($U(1) << $MANTu)) {
        let parts = parts_$T(bits);
        bits = (parts.mantissa & (($U(1) << $MANTu) - $U(1))) | ($U(1) << $MANTu);
        bias += 1 - parts.exponent;
    }
    let root = bitcast<$U>(half_root_$T());
    let u = bits + (($U($BIAS) << $MANTu) - root);
    let m = bitcast<$T>((u & (($U(1) << $MANTu) - $U(1))) + root);
    return Split_$T(m, $T(i32(u >> $MANTu) - bias));
}

// e ln 2 + log(1 + f + f_lo), K. C. Ng's arrangement.
fn log_sum_$T(e: $T, f: $T, f_lo: $T) -> $T {
    let half_square = exact_$T(exact_$T($T(0.5) * f) * f);
    let s = f / ($T(2) + f);
    let low = s * (half_square + atanh_tail_$T(s * s)) + (e * ln2_tail_$T() + f_lo);
    let head = fast_sum_$T(exact_$T(e * ln2_head_$T()), f);
    return exact_$T(head.hi + (head.lo - exact_$T(half_square - low)));
}

// The values of a logarithm at 0, below, and at infinity and NaN.
fn log_domain_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    if (!truth_$T(x)) { return negative_$T(inf_$T()); }
    return select(inf_$T(), nan_$T(), signbit_$T(x) != $U(0));
}

fn inside_$T(x: $T) -> bool { return bitcast<$U>(x) - $U(1) < $INF - $U(1); }

fn log_$T(x: $T) -> $T {
    if (!inside_$T(x)) { return log_domain_$T(x); }
    let s = split_$T(x);
    return log_sum_$T(s.e, exact_$T(s.m - $T(1)), $T(0));
}

// log(1 + x + x_lo) + more ln 2
fn log1p_sum_$T(x: $T, x_lo: $T, more: $T) -> $T {
    let u = two_sum_$T($T(1), x);
    if (!inside_$T(u.hi)) { return log_domain_$T(u.hi); }
    let s = split_$T(u.hi);
    let scale = scale_$T($T(1), -min(i32(s.e), $BIAS - 10));
    var f = fast_sum_$T(exact_$T(s.m - $T(1)), u.lo * scale);
    f.lo += x_lo * scale;
    return log_sum_$T(s.e + more, f.hi, f.lo - f.hi * f.lo);
}

fn log1p_$T(x: $T) -> $T {
    if (abs_$T(x) < tiny_$T()) { return x; }
    return log1p_sum_$T(x, $T(0), $T(0));
}

fn asinh_$T(x: $T) -> $T {
    let a = abs_$T(x);
    if (!isfinite_$T(x) || a < tiny_$T()) { return x; }
    let z = a * a;
    if (a >= far_$T()) { return copysign_$T(log1p_sum_$T(a, $T(0), $T(1)), x); }
    let t = fast_sum_$T(a, z / ($T(1) + sqrt($T(1) + z)));
    return copysign_$T(log1p_sum_$T(t.hi, t.lo, $T(0)), x);
}

fn acosh_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    if (x < $T(1)) { return nan_$T(); }
    if (x >= far_$T()) { return log1p_sum_$T(x, $T(0), $T(1)); }
    let t = exact_$T(x - $T(1));
    let square = product_$T(t, t);
    let v = two_sum_$T(t + t, square.hi);
    let s = sqrt_$T(v.hi);
    let back = product_$T(s, s);
    var rest = $T(0);
    if (truth_$T(s)) { rest = (exact_$T(v.hi - back.hi) - back.lo + v.lo + square.lo) / (s + s); }
    let w = two_sum_$T(s, t);
    return log1p_sum_$T(w.hi, w.lo + rest, $T(0));
}

fn atanh_$T(x: $T) -> $T {
    let a = abs_$T(x);
    if (isnan_$T(x) || a < tiny_$T()) { return x; }
    if (a > $T(1)) { return nan_$T(); }
    if (a == $T(1)) { return copysign_$T(inf_$T(), x); }
    let d = fast_sum_$T($T(1), -a);
    let q = exact_$T((a + a) / d.hi);
    let p = product_$T(q, d.hi);
    let rest = (exact_$T(a + a - p.hi) - p.lo - q * d.lo) / d.hi;
    return copysign_$T($T(0.5) * log1p_sum_$T(q, rest, $T(0)), x);
}

// e_hi + e_lo + (c + c_lo) log(1 + f)
fn log_scaled_$T(e_hi: $T, e_lo: $T, f: $T, c: $T, c_lo: $T) -> $T {
    let half_square = product_$T($T(0.5) * f, f);
    let s = f / ($T(2) + f);
    let inner = s * (half_square.hi + atanh_tail_$T(s * s));
    let p = product_$T(f, c);
    let q = product_$T(half_square.hi, c);
    let head = fast_sum_$T(e_hi, p.hi);
    let low = (f * c_lo + p.lo + e_lo) + ((inner - half_square.lo) * c - q.lo);
    let sum = two_sum_$T(head.hi, -q.hi);
    return exact_$T(sum.hi + (sum.lo + (head.lo + low)));
}

fn log2_$T(x: $T) -> $T {
    if (!inside_$T(x)) { return log_domain_$T(x); }
    let s = split_$T(x);
    return log_scaled_$T(s.e, $T(0), exact_$T(s.m - $T(1)), log2e_$T(), log2e_low_$T());
}

fn log10_$T(x: $T) -> $T {
    if (!inside_$T(x)) { return log_domain_$T(x); }
    let s = split_$T(x);
    let high = exact_$T(s.e * log10_2_$T());
    let f = exact_$T(s.m - $T(1));
    return log_scaled_$T(high, s.e * log10_2_low_$T(), f, log10e_$T(), log10e_low_$T());
}

// log(1 + exp(d)), d <= 0
fn log1p_exp_$T(d: $T, d_lo: $T) -> $T {
    let e = exp_sum_$T(d, d_lo);
    if (e > $T(0.4142)) {
        let f = fast_sum_$T($T(-0.5), $T(0.5) * e);
        return log_sum_$T($T(1), f.hi, f.lo);
    }
    return log_sum_$T($T(0), e, $T(0));
}

fn softplus_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    return at_least_$T($T(0), x) + log1p_exp_$T(-abs_$T(x), $T(0));
}

fn logaddexp_$T(x: $T, y: $T) -> $T {
    if (isnan_$T(x) || isnan_$T(y)) { return nan_$T(); }
    if (x == y) { return exact_$T(x + ln2_$T()); }
    let top = select(x, y, x < y);
    let d = two_sum_$T(select(y, x, x < y), -top);
    return exact_$T(top + log1p_exp_$T(d.hi, select($T(0), d.lo, d.hi > $T(-60))));
}

// ---------------------------------------------------------------- activations

// x sigmoid(w + w_lo), from e = exp(-|w|): (w >= 0 ? x : x e) / (1 + e).
fn gate_$T(x: $T, w: $T, w_lo: $T) -> $T {
    let negative = w < $T(0);
    let flip = select($T(-1), $T(1), negative);
    let e = exp_parts_$T(at_least_$T(gate_least_$T(), flip * w), flip * w_lo);
    let hi = scale_$T(e.hi, e.n);
    let lo = scale_$T(e.lo, e.n);
    if (!negative) {
        if (w > $T(40)) { return x; }
        var below = fast_sum_$T($T(1), hi);
        below.lo += lo;
        return ratio_$T(Pair_$T(x, $T(0)), below);
    }
    if (w < $T(-40)) { // x meets the significand before it is scaled down
        if (isinf_$T(x)) { return nan_$T(); } // -inf * 0
        if (w <= gate_least_$T()) { return copysign_$T($T(0), x); }
        return scale_$T(exact_$T(x * e.hi) + x * e.lo, e.n);
    }
    var below = fast_sum_$T($T(1), hi);
    below.lo += lo;
    var above = product_$T(x, hi);
    above.lo += x * lo;
    return ratio_$T(above, below);
}

fn sigmoid_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    return gate_$T($T(1), x, $T(0));
}

fn silu_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    return gate_$T(x, x, $T(0));
}

fn gelu_tanh_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    let c = at_most_$T($T(40), at_least_$T($T(-40), x));
    let z = product_$T(c, c);
    var b = product_$T(z.hi, gelu_b_$T());
    b.lo += z.lo * gelu_b_$T() + z.hi * gelu_b_low_$T();
    var s = two_sum_$T(gelu_a_$T(), b.hi);
    s.lo += b.lo + gelu_a_low_$T();
    var w = product_$T(c, s.hi);
    w.lo += c * s.lo;
    return gate_$T(x, w.hi, w.lo);
}

fn elu_$T(x: $T, alpha: $T) -> $T {
    if (x > $T(0)) { return x; }
    return exact_$T(exact_$T(expm1_$T(x)) * alpha);
}

fn selu_$T(x: $T) -> $T {
    if (x > $T(0)) { return exact_$T(x * selu_scale_$T()); }
    return exact_$T(exact_$T(expm1_$T(x)) * selu_slope_$T());
}

fn hardsigmoid_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    return quotient_$T(at_most_$T($T(3), at_least_$T($T(-3), x)) + $T(3), $T(6));
}

fn hardswish_$T(x: $T) -> $T { return exact_$T(x * hardsigmoid_$T(x)); }

fn softsign_$T(x: $T) -> $T { return divide_$T(x, exact_$T($T(1) + abs_$T(x))); }

fn rsqrt_$T(x: $T) -> $T { return divide_$T($T(1), sqrt_$T(x)); }

// ---------------------------------------------------------------- the error function

fn erf_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    let a = abs_$T(x);
    if (a < $T(1)) {
        let lead = product_$T(x, erf_slope_$T());
        return exact_$T(lead.hi + (lead.lo + x * erf_tail_$T(x * x)));
    }
    let c = at_most_$T(erf_most_$T(), a);
    return copysign_$T($T(1) - exp_sum_$T(-erf_exponent_$T(c), $T(0)), x);
}

// factor erfc(a), 1/2 <= a, given a^2 as a pair (Shepherd and Laframboise 1981).
fn erfc_tail_$T(factor: $T, a: Pair_$T, square: Pair_$T) -> $T {
    let top = two_sum_$T(a.hi, -erfc_middle_$T());
    let bottom = two_sum_$T(a.hi, erfc_middle_$T());
    let p = erfc_factor_$T(ratio_$T(top, bottom));
    var fp = product_$T(factor, p.hi);
    fp.lo += factor * p.lo;
    let e = exp_parts_$T(at_least_$T(gate_least_$T(), -square.hi), -square.lo);
    var above = product_$T(e.hi, fp.hi);
    above.lo += e.lo * fp.hi + e.hi * fp.lo;
    var below = two_sum_$T($T(1), $T(2) * a.hi);
    below.lo += $T(2) * a.lo;
    return scale_$T(ratio_$T(above, below), e.n);
}

fn erfc_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    let a = at_most_$T($T(28), abs_$T(x));
    if (a < $T(0.5)) {
        let lead = product_$T(x, erf_slope_$T());
        let head = fast_sum_$T($T(1), -lead.hi);
        return exact_$T(head.hi + (head.lo - (lead.lo + x * erf_tail_$T(x * x))));
    }
    let tail = erfc_tail_$T($T(1), Pair_$T(a, $T(0)), product_$T(a, a));
    return select(tail, $T(2) - tail, x < $T(0));
}

// x - T or -T with T = |x| erfc(|x| / sqrt(2)) / 2; near 0 by the error function.
fn gelu_$T(x: $T) -> $T {
    if (isnan_$T(x)) { return x; }
    let c = at_most_$T($T(40), abs_$T(x));
    let half = $T(0.5) * x;
    if (c < $T(0.7)) {
        let lead = product_$T(x, gelu_slope_$T());
        let one = fast_sum_$T($T(1), lead.hi);
        let rest = lead.lo + x * gelu_slope_low_$T()
            + (half_root_$T() * x) * (erf_tail_$T(half * x) - erf_slope_low_$T());
        let p = product_$T(half, one.hi);
        return exact_$T(p.hi + (half * (one.lo + rest) + p.lo));
    }
    var a = product_$T(c, half_root_$T());
    a.lo += c * half_root_low_$T();
    let tail = erfc_tail_$T($T(0.5) * c, a, product_$T($T(0.5) * c, c));
    if (x < $T(0)) { return select(negative_$T(tail), nan_$T(), isinf_$T(x)); } // -inf * 0
    return exact_$T(x - tail);
}
