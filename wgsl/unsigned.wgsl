// Unsigned integers: T is u32 or u64.

fn identity_maximum_$T() -> $T { return $T(0); }
fn identity_minimum_$T() -> $T { return ~$T(0); }
fn abs_$T(a: $T) -> $T { return a; }
fn sign_$T(a: $T) -> $T { return select($T(0), $T(1), a != $T(0)); }

fn right_shift_$T(a: $T, b: $T) -> $T {
    if (b >= $T($BITS)) { return $T(0); }
    return a >> u32(b);
}

fn floor_divide_$T(a: $T, b: $T) -> $T {
    if (b == $T(0)) { return $T(0); }
    return a / b;
}

fn remainder_$T(a: $T, b: $T) -> $T {
    if (b == $T(0)) { return $T(0); }
    return a % b;
}

// NumPy computes (T)(1.0 / a): x86-64 converts infinity to an integer whose low bits are 0.
fn reciprocal_$T(a: $T) -> $T { return select($T(0), a, a == $T(1)); }
