// float64 to float16 with one rounding: to float32 by rounding to odd, which the second cannot
// hide.
fn cast_f64_f16(x: f64) -> f32 {
    let y = f32(x);
    if (isnan_f32(y) || isinf_f32(y) || f64(y) == x) { return round_half(y); }
    var bits = bitcast<u32>(y);
    bits -= select(0u, 1u, magnitude_f64(f64(y)) > magnitude_f64(x));
    return round_half(bitcast<f32>(bits | 1u));
}
