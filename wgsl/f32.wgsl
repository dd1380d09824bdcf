// What differs between float32 and float64.

fn floor_f32(x: f32) -> f32 { return floor(x); }
fn ceil_f32(x: f32) -> f32 { return ceil(x); }
fn trunc_f32(x: f32) -> f32 { return trunc(x); }
fn round_f32(x: f32) -> f32 { return round(x); }

// a / b within 1 ULP, by the remainder of an estimate; NaN where it takes more than that: for an
// infinite result, and a divisor whose reciprocal is subnormal or infinite.
fn short_divide_f32(a: f32, b: f32) -> f32 {
    let r = select(1.0f / b, nan_f32(), magnitude_f32(b) > 0x7e000000u);
    let q = exact_f32(a * r);
    return select(exact_f32(fma(fma(-q, b, a), r, q)), q, q == 0.0f);
}

// Constants (`_low`: what rounding took) and minimax polynomials, those of csrc/math_f32_*.h.
fn log2e_f32() -> f32 { return 1.442695e00f; }
fn log2e_low_f32() -> f32 { return 1.925963e-08f; }
fn ln2_f32() -> f32 { return 6.931472e-01f; }
fn ln2_upper_f32() -> f32 { return 6.933594e-01f; }
fn ln2_lower_f32() -> f32 { return -2.1219444e-04f; }
fn ln2_head_f32() -> f32 { return 6.9314575e-01f; }
fn ln2_tail_f32() -> f32 { return 1.4286068e-06f; }
fn half_root_f32() -> f32 { return 7.0710677e-01f; }
fn half_root_low_f32() -> f32 { return 1.21016175e-08f; }
fn tiny_f32() -> f32 { return 2.9802322e-08f; }
fn huge_f32() -> f32 { return 1.2676506e30f; }
fn far_f32() -> f32 { return 1.0737418e09f; }
fn exp_most_f32() -> f32 { return 8.95e01f; }
fn exp_least_f32() -> f32 { return -1.04e02f; }
fn gate_least_f32() -> f32 { return -1.2e02f; }
fn log10e_f32() -> f32 { return 4.342945e-01f; }
fn log10e_low_f32() -> f32 { return -1.010305e-08f; }
fn log10_2_f32() -> f32 { return 3.010254e-01f; }
fn log10_2_low_f32() -> f32 { return 4.605039e-06f; }
fn gelu_a_f32() -> f32 { return 1.5957692e00f; }
fn gelu_a_low_f32() -> f32 { return -4.534068e-08f; }
fn gelu_b_f32() -> f32 { return 7.1354814e-02f; }
fn gelu_b_low_f32() -> f32 { return 2.3988325e-09f; }
fn selu_scale_f32() -> f32 { return 1.050701e00f; }
fn selu_slope_f32() -> f32 { return 1.7580993e00f; }
fn erf_slope_f32() -> f32 { return 1.1283792e00f; }
fn erf_slope_low_f32() -> f32 { return -5.8635383e-08f; }
fn gelu_slope_f32() -> f32 { return 7.978846e-01f; }
fn gelu_slope_low_f32() -> f32 { return 1.8791138e-08f; }
fn erf_most_f32() -> f32 { return 3.95e00f; }
fn erfc_middle_f32() -> f32 { return 2.0e00f; }

// (exp(r) - 1 - r) / r^2
fn exp_tail_f32(r: f32) -> f32 {
    var q = 1.9907638e-04f;
    q = q * r + 1.394864e-03f;
    q = q * r + 8.333286e-03f;
    q = q * r + 4.166624e-02f;
    q = q * r + 1.6666667e-01f;
    q = q * r + 5.0e-01f;
    return q;
}

// 2 atanh(s) / s - 2, of s^2
fn atanh_tail_f32(z: f32) -> f32 {
    var q = 2.2222222e-01f;
    q = q * z + 2.857143e-01f;
    q = q * z + 4.0e-01f;
    q = q * z + 6.666667e-01f;
    return q * z;
}

// erf(x) / x - erf_slope, of x^2 <= 1
fn erf_tail_f32(z: f32) -> f32 {
    var q = -1.6208703e-07f;
    q = q * z + 1.6447473e-06f;
    q = q * z + -1.4924743e-05f;
    q = q * z + 1.20552955e-04f;
    q = q * z + -8.548326e-04f;
    q = q * z + 5.2239774e-03f;
    q = q * z + -2.6866172e-02f;
    q = q * z + 1.1283792e-01f;
    q = q * z + -3.7612638e-01f;
    return q * z + erf_slope_low_f32();
}

// -log(erfc(x)), as well as 1 - erfc(x) needs it for x >= 1
fn erf_exponent_f32(x: f32) -> f32 {
    var q = -1.0495052e-12f;
    q = q * x + 4.795557e-11f;
    q = q * x + -1.0256079e-09f;
    q = q * x + 1.36255895e-08f;
    q = q * x + -1.2569572e-07f;
    q = q * x + 8.5051835e-07f;
    q = q * x + -4.326787e-06f;
    q = q * x + 1.6513044e-05f;
    q = q * x + -4.5034925e-05f;
    q = q * x + 7.036131e-05f;
    q = q * x + 4.48317e-05f;
    q = q * x + -6.411855e-04f;
    q = q * x + 1.7690146e-03f;
    q = q * x + -2.805005e-04f;
    q = q * x + -1.9078149e-02f;
    q = q * x + 1.0274725e-01f;
    q = q * x + 6.366285e-01f;
    q = q * x + 1.1283773e00f;
    q = q * x + 1.7964182e-07f;
    return q;
}

// erfc(a) exp(a^2) (1 + 2 a), of t = (a - erfc_middle) / (a + erfc_middle)
fn erfc_factor_f32(t: f32) -> Pair_f32 {
    var q = 1.653419e-05f;
    q = q * t + 1.1357768e-04f;
    q = q * t + 1.6697701e-04f;
    q = q * t + -4.4226603e-04f;
    q = q * t + -1.4329628e-03f;
    q = q * t + 1.2711843e-03f;
    q = q * t + 8.716179e-03f;
    q = q * t + -8.034537e-03f;
    q = q * t + -5.4219194e-02f;
    q = q * t + 1.6405135e-01f;
    q = q * t + -1.6603044e-01f;
    q = q * t + -9.2763826e-02f;
    return fast_sum_f32(1.2769784e00f, t * q + 8.324598e-09f);
}
