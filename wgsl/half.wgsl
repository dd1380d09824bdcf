// float16 is stored in 16 bits and computed in float32, rounded after each operation: for + - * /
// and sqrt that is the correctly rounded float16 result, and it is what NumPy does for every
// operation.

fn unpack_half(h: u32) -> f32 {
    let sign = (h & 0x8000u) << 16u;
    let field = (h >> 10u) & 31u;
    let mantissa = h & 0x3ffu;
    if (field == 31u) { return bitcast<f32>(sign | 0x7f800000u | (mantissa << 13u) | p.zero); }
    if (field != 0u) { return bitcast<f32>(sign | ((field + 112u) << 23u) | (mantissa << 13u)); }
    return bitcast<f32>(sign | bitcast<u32>(f32(mantissa) * 5.9604644775390625e-8));
}

fn pack_half(x: f32) -> u32 {
    let bits = bitcast<u32>(x);
    let sign = (bits >> 16u) & 0x8000u;
    let m = bits & 0x7fffffffu;
    if (m > 0x7f800000u) { return sign | 0x7e00u; }
    if (m >= 0x477ff000u) { return sign | 0x7c00u; }
    if (m >= 0x38800000u) {
        let rounded = m + 0xfffu + ((m >> 13u) & 1u);
        return sign | ((rounded >> 13u) - (112u << 10u));
    }
    let shift = 126u - (m >> 23u);
    if (shift > 25u) { return sign; }
    let mantissa = (m & 0x7fffffu) | 0x800000u;
    let kept = mantissa >> shift;
    let lost = mantissa & ((1u << shift) - 1u);
    let middle = 1u << (shift - 1u);
    let up = lost > middle || (lost == middle && (kept & 1u) == 1u);
    return sign | (kept + select(0u, 1u, up));
}

fn round_half(x: f32) -> f32 { return unpack_half(pack_half(x)); }
