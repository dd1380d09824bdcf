// Conversions of float64 to integers, from the bits; conventions as in cast.wgsl.

fn integer_f64(magnitude: u64, negative: bool) -> i64 {
    let exponent = i32(magnitude >> 52u) - 1075;
    let mantissa = (magnitude & ((u64(1) << 52u) - u64(1))) | (u64(1) << 52u);
    var value = u64(0);
    if (exponent >= 0) {
        value = mantissa << u32(min(exponent, 63));
    } else if (exponent > -53) {
        value = mantissa >> u32(-exponent);
    }
    return select(bitcast<i64>(value), i64(0) - bitcast<i64>(value), negative);
}

fn cast_f64_i32(x: f64) -> i32 {
    if (outside_f64_i32(x)) { return lowest_i32(); }
    return i32(integer_f64(magnitude_f64(x), signbit_f64(x) != u64(0)));
}

fn outside_f64_i32(x: f64) -> bool {
    return isnan_f64(x) || x >= f64(2147483648.0) || x <= f64(-2147483649.0);
}

fn cast_f64_i64(x: f64) -> i64 {
    if (magnitude_f64(x) >= (u64(1086) << 52u)) { return lowest_i64(); }
    return integer_f64(magnitude_f64(x), signbit_f64(x) != u64(0));
}

fn outside_f64_i64(x: f64) -> bool {
    // Not by the numbers: a comparison with NaN is false, "!=" too.
    return magnitude_f64(x) >= (u64(1086) << 52u) && bitcast<u64>(x) != (u64(0xc3e00000u) << 32u);
}

fn cast_f64_u32(x: f64) -> u32 {
    return u32(bitcast<u64>(cast_f64_i64(x)) & u64(0xffffffffu));
}

fn cast_f64_u64(x: f64) -> u64 {
    let top = f64(9223372036854775808.0);
    if (!(x >= top)) { return bitcast<u64>(cast_f64_i64(x)); }
    return bitcast<u64>(cast_f64_i64(x - top)) ^ (u64(1) << 63u);
}

fn outside_f64_u64(x: f64) -> bool {
    return isnan_f64(x) || x >= f64(18446744073709551616.0) || x < f64(-9223372036854775808.0);
}
