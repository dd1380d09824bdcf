// Floating point to integer as x86-64 compilers convert it, and hence NumPy: to 32 signed bits or
// fewer through a 32-bit, to the rest through a 64-bit conversion, whose result for NaN,
// infinities and numbers out of range is the lowest integer.

fn cast_f32_i32(x: f32) -> i32 {
    if (magnitude_f32(x) >= 0x4f000000u) { return lowest_i32(); }
    return i32(x);
}

fn outside_f32_i32(x: f32) -> bool {
    return magnitude_f32(x) >= 0x4f000000u && bitcast<u32>(x) != 0xcf000000u;
}

fn outside_f32_i64(x: f32) -> bool {
    return magnitude_f32(x) >= 0x5f000000u && bitcast<u32>(x) != 0xdf000000u;
}

// The low half of the 64-bit conversion, from the bits: no 64-bit type is needed.
fn cast_f32_u32(x: f32) -> u32 {
    let m = magnitude_f32(x);
    if (m < 0x4f000000u) { return bitcast<u32>(i32(x)); }
    let shift = (m >> 23u) - 150u;
    if (shift > 31u) { return 0u; }
    let value = ((m & 0x7fffffu) | 0x800000u) << shift;
    return select(value, 0u - value, signbit_f32(x) != 0u);
}
