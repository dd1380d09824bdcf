// What takes fewer steps on a device whose fma rounds once. T as in float.wgsl.

fn product_$T(a: $T, b: $T) -> Pair_$T {
    let p = exact_$T(a * b);
    return Pair_$T(p, fma(a, b, -p));
}

fn reduced_$T(x: $T, x_lo: $T) -> Power_$T {
    let n = round_near_$T(x * log2e_$T());
    let head = fma(-n, ln2_upper_$T(), x);
    let low = fma(-n, ln2_lower_$T(), x_lo);
    let r = exact_$T(head + low);
    let p = fast_sum_$T(head, fma(exact_$T(r * r), exp_tail_$T(r), low));
    return Power_$T(p.hi, p.lo, i32(n));
}

// The correctly rounded quotient. An estimate by the reciprocal is corrected by its remainder, and
// is right if the remainder then left, which is exact, is less than half a unit in the last place
// times b: it cannot be half of one. A power of two, below which units are smaller, is right where
// nothing is left. Numbers so small or large that a step could leave the range are seldom met.
fn divide_$T(a: $T, b: $T) -> $T {
    let near = $T(1) / b;
    let first = exact_$T(a * near);
    let q = fma(fma(-first, b, a), near, first);
    let rest = abs(fma(-q, b, a));
    let x = magnitude_$T(a);
    let y = magnitude_$T(b);
    let z = magnitude_$T(q);
    let span = $U($EMAX - 6) << $MANTu;
    let inside = max(y - ($U(3) << $MANTu), z - ($U(3) << $MANTu)) < span;
    if (inside && x - ($U(2 * $MANT + 4) << $MANTu) < ($U($EMAX - 2 * $MANT - 7) << $MANTu)) {
        let unit = abs(b) * bitcast<$T>(z & $INF);
        let power = (z & (($U(1) << $MANTu) - $U(1))) == $U(0);
        if (rest * $T($U(1) << ($MANTu + 1u)) < unit && (!power || rest == $T(0))) { return q; }
    }
    if (x == $U(0) && y - ($U(3) << $MANTu) < span) { return first; }
    return divide_slowly_$T(a, b);
}
