// What differs between float64 and float32. Drivers offer + - * / sqrt in float64 and little else
// that can be trusted.

fn trunc_f64(x: f64) -> f64 {
    let exponent = i32(magnitude_f64(x) >> 52u) - 1023;
    if (exponent < 0) { return bitcast<f64>(signbit_f64(x)); }
    if (exponent >= 52) { return x; }
    let fraction = (u64(1) << u32(52 - exponent)) - u64(1);
    return bitcast<f64>(bitcast<u64>(x) & ~fraction);
}

fn floor_f64(x: f64) -> f64 {
    let t = trunc_f64(x);
    return select(t, t - f64(1), t > x);
}

fn ceil_f64(x: f64) -> f64 {
    let t = trunc_f64(x);
    if (t < x) { return copysign_f64(t + f64(1), x); }
    return t;
}

fn round_f64(x: f64) -> f64 {
    if (magnitude_f64(x) >= (u64(1075) << 52u)) { return x; }
    // Adding 2^52 rounds to an integer, half to even.
    let large = f64(4503599627370496);
    return copysign_f64(exact_f64(exact_f64(abs_f64(x) + large) - large), x);
}

// As exp_f32, with fdlibm's split of ln 2 (the first part has 33 bits) and Taylor's series to r^13,
// whose remainder 0.3466^14 / 14! is below 2^-57.
fn exp_f64(x: f64) -> f64 {
    if (isnan_f64(x)) { return x; }
    if (x > f64(710)) { return inf_f64(); }
    if (x < f64(-746)) { return f64(0); }
    let n = round_f64(x * 1.4426950408889634lf);
    let r = exact_f64(x - n * 0.69314718036912381649lf) - n * 1.90821492927058770002e-10lf;
    var q = 1.6059043836821613e-10lf;
    q = q * r + 2.08767569878681e-09lf;
    q = q * r + 2.505210838544172e-08lf;
    q = q * r + 2.755731922398589e-07lf;
    q = q * r + 2.7557319223985893e-06lf;
    q = q * r + 2.48015873015873e-05lf;
    q = q * r + 0.0001984126984126984lf;
    q = q * r + 0.001388888888888889lf;
    q = q * r + 0.008333333333333333lf;
    q = q * r + 0.041666666666666664lf;
    q = q * r + 0.16666666666666666lf;
    q = q * r + 0.5lf;
    return scale_f64(f64(1) + exact_f64(r + exact_f64(r * r) * q), i32(n));
}
