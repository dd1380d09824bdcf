// Conversions of float32 to 64-bit integers, from the bits: drivers' own are not to be relied on,
// and some devices have 64-bit integers but no 64-bit floats. Conventions as in cast.wgsl.

fn cast_f32_i64(x: f32) -> i64 {
    let m = magnitude_f32(x);
    if (m >= 0x5f000000u) { return lowest_i64(); }
    let exponent = i32(m >> 23u) - 150;
    let mantissa = u64((m & 0x7fffffu) | 0x800000u);
    var value = u64(0);
    if (exponent >= 0) {
        value = mantissa << u32(exponent);
    } else if (exponent > -24) {
        value = mantissa >> u32(-exponent);
    }
    return select(bitcast<i64>(value), i64(0) - bitcast<i64>(value), signbit_f32(x) != 0u);
}

// Compilers convert numbers from 2^63 up as the excess over 2^63, and flip the top bit.
fn cast_f32_u64(x: f32) -> u64 {
    let top = f32(9223372036854775808.0);
    if (!(x >= top)) { return bitcast<u64>(cast_f32_i64(x)); }
    return bitcast<u64>(cast_f32_i64(x - top)) ^ (u64(1) << 63u);
}

fn outside_f32_u64(x: f32) -> bool {
    return isnan_f32(x) || x >= f32(18446744073709551616.0) || x < f32(-9223372036854775808.0);
}

// llvmpipe (Mesa 22.3) compares an extended number with a constant wrongly: -2 < 0 is false. p.zero
// hides the extension from its optimiser.
fn widen_i32(x: i32) -> i64 { return i64(x) ^ i64(p.zero); }
fn widen_u32(x: u32) -> u64 { return u64(x) ^ u64(p.zero); }
