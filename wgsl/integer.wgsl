// Integers of either sign in a register of $BITS bits: T is i32, u32, i64 or u64. Narrower dtypes
// are computed in these and wrapped by the caller after each operation; arithmetic wraps.

fn add_$T(a: $T, b: $T) -> $T { return a + b; }
fn subtract_$T(a: $T, b: $T) -> $T { return a - b; }
fn multiply_$T(a: $T, b: $T) -> $T { return a * b; }
fn square_$T(a: $T) -> $T { return a * a; }
fn negative_$T(a: $T) -> $T { return $T(0) - a; }
fn floor_$T(a: $T) -> $T { return a; }
fn ceil_$T(a: $T) -> $T { return a; }
fn trunc_$T(a: $T) -> $T { return a; }
fn maximum_$T(a: $T, b: $T) -> $T { return select(b, a, a >= b); }
fn minimum_$T(a: $T, b: $T) -> $T { return select(b, a, a <= b); }
fn equal_$T(a: $T, b: $T) -> bool { return a == b; }
fn less_$T(a: $T, b: $T) -> bool { return a < b; }
fn less_equal_$T(a: $T, b: $T) -> bool { return a <= b; }
fn isnan_$T(a: $T) -> bool { return false; }
fn isinf_$T(a: $T) -> bool { return false; }
fn isfinite_$T(a: $T) -> bool { return true; }
fn truth_$T(a: $T) -> bool { return a != $T(0); }
fn bitwise_and_$T(a: $T, b: $T) -> $T { return a & b; }
fn bitwise_or_$T(a: $T, b: $T) -> $T { return a | b; }
fn bitwise_xor_$T(a: $T, b: $T) -> $T { return a ^ b; }
fn bitwise_invert_$T(a: $T) -> $T { return ~a; }
fn identity_add_$T() -> $T { return $T(0); }
fn identity_multiply_$T() -> $T { return $T(1); }

// NumPy shifts out everything, and a negative count counts as too large.
fn left_shift_$T(a: $T, b: $T) -> $T {
    if (b < $T(0) || b >= $T($BITS)) { return $T(0); }
    return a << u32(b);
}
