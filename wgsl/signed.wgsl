// Signed integers: T is i32 or i64.

fn lowest_$T() -> $T { return $T($LOWEST); }
fn identity_maximum_$T() -> $T { return lowest_$T(); }
fn identity_minimum_$T() -> $T { return ~lowest_$T(); }
fn abs_$T(a: $T) -> $T { return select(a, $T(0) - a, a < $T(0)); }
fn sign_$T(a: $T) -> $T { return select($T(0), $T(1), a > $T(0)) - select($T(0), $T(1), a < $T(0));
}

fn right_shift_$T(a: $T, b: $T) -> $T {
    if (b < $T(0) || b >= $T($BITS)) { return select($T(0), $T(-1), a < $T(0)); }
    return a >> u32(b);
}

// NumPy: x // 0 == 0; the lowest number // -1 wraps to itself.
fn floor_divide_$T(a: $T, b: $T) -> $T {
    if (b == $T(0)) { return $T(0); }
    if (b == $T(-1)) { return $T(0) - a; }
    let q = a / b;
    return select(q, q - $T(1), q * b != a && ((a < $T(0)) != (b < $T(0))));
}

fn remainder_$T(a: $T, b: $T) -> $T {
    if (b == $T(0) || b == $T(-1)) { return $T(0); }
    let r = a - (a / b) * b;
    return select(r, r + b, r != $T(0) && ((r < $T(0)) != (b < $T(0))));
}

// NumPy computes (T)(1.0 / a): the conversion of infinity gives the lowest number.
fn reciprocal_$T(a: $T) -> $T {
    if (a == $T(0)) { return lowest_$T(); }
    return select($T(0), a, a == $T(1) || a == $T(-1));
}
