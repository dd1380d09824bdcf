// What differs between float32 and float64.

fn floor_f32(x: f32) -> f32 { return floor(x); }
fn ceil_f32(x: f32) -> f32 { return ceil(x); }
fn trunc_f32(x: f32) -> f32 { return trunc(x); }
fn round_f32(x: f32) -> f32 { return round(x); }

// exp by Cody and Waite: x = n ln 2 + r with |r| <= ln 2 / 2, ln 2 in two parts of which the first
// has 9 significant bits, so that its product with n is exact; then Taylor's series of (e^r - 1 -
// r) / r^2 to r^5, whose remainder 0.3466^8 / 8! is below 2^-27. Error below 1 ULP.
fn exp_f32(x: f32) -> f32 {
    if (isnan_f32(x)) { return x; }
    if (x > 88.8) { return inf_f32(); }
    if (x < -104.0) { return 0.0; }
    let n = round(x * 1.44269504);
    let r = exact_f32(x - n * 0.693359375) - n * -2.12194440e-4;
    var q = 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    return scale_f32(1.0 + exact_f32(r + exact_f32(r * r) * q), i32(n));
}
