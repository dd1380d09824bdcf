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

// Constants (`_low`: what rounding took) and minimax polynomials, those of csrc/math_f64_*.h.
fn log2e_f64() -> f64 { return 1.4426950408889634lf; }
fn log2e_low_f64() -> f64 { return 2.0355273740931033e-17lf; }
fn ln2_f64() -> f64 { return 0.6931471805599453lf; }
fn ln2_upper_f64() -> f64 { return 0.6931471803691238lf; }
fn ln2_lower_f64() -> f64 { return 1.9082149292705877e-10lf; }
fn ln2_head_f64() -> f64 { return 0.6931471805598903lf; }
fn ln2_tail_f64() -> f64 { return 5.497923018708371e-14lf; }
fn half_root_f64() -> f64 { return 0.7071067811865476lf; }
fn half_root_low_f64() -> f64 { return -4.833646656726457e-17lf; }
fn tiny_f64() -> f64 { return 5.551115123125783e-17lf; }
fn huge_f64() -> f64 { return 1.0715086071862673e+301lf; }
fn far_f64() -> f64 { return 1.152921504606847e+18lf; }
fn exp_most_f64() -> f64 { return 710.5lf; }
fn exp_least_f64() -> f64 { return -746.0lf; }
fn gate_least_f64() -> f64 { return -800.0lf; }
fn log10e_f64() -> f64 { return 0.4342944819032518lf; }
fn log10e_low_f64() -> f64 { return 1.098319650216765e-17lf; }
fn log10_2_f64() -> f64 { return 0.30102999566395283lf; }
fn log10_2_low_f64() -> f64 { return 2.8363394551044964e-14lf; }
fn gelu_a_f64() -> f64 { return 1.5957691216057308lf; }
fn gelu_a_low_f64() -> f64 { return -9.96930880911092e-17lf; }
fn gelu_b_f64() -> f64 { return 0.07135481627260025lf; }
fn gelu_b_low_f64() -> f64 { return -6.175149918155315e-19lf; }
fn selu_scale_f64() -> f64 { return 1.0507009873554805lf; }
fn selu_slope_f64() -> f64 { return 1.7580993408473768lf; }
fn erf_slope_f64() -> f64 { return 1.1283791670955126lf; }
fn erf_slope_low_f64() -> f64 { return 1.533545961316588e-17lf; }
fn gelu_slope_f64() -> f64 { return 0.7978845608028653lf; }
fn gelu_slope_low_f64() -> f64 { return 5.033195093187903e-17lf; }
fn erf_most_f64() -> f64 { return 5.95lf; }
fn erfc_middle_f64() -> f64 { return 4.0lf; }

// (exp(r) - 1 - r) / r^2
fn exp_tail_f64(r: f64) -> f64 {
    var q = 2.09245200697367e-09lf;
    q = q * r + 2.510909147959099e-08lf;
    q = q * r + 2.7557242495980107e-07lf;
    q = q * r + 2.7557244058994893e-06lf;
    q = q * r + 2.4801587360897717e-05lf;
    q = q * r + 0.00019841269886269056lf;
    q = q * r + 0.001388888888886663lf;
    q = q * r + 0.008333333333321577lf;
    q = q * r + 0.0416666666666667lf;
    q = q * r + 0.16666666666666677lf;
    q = q * r + 0.5lf;
    return q;
}

// 2 atanh(s) / s - 2, of s^2
fn atanh_tail_f64(z: f64) -> f64 {
    var q = 0.1479610773800513lf;
    q = q * z + 0.1531403550815427lf;
    q = q * z + 0.18183564884266293lf;
    q = q * z + 0.2222219856302714lf;
    q = q * z + 0.2857142874248096lf;
    q = q * z + 0.3999999999941428lf;
    q = q * z + 0.6666666666666734lf;
    return q * z;
}

// erf(x) / x - erf_slope, of x^2 <= 1
fn erf_tail_f64(z: f64) -> f64 {
    var q = -7.79598951810116e-10lf;
    q = q * z + 1.372050890006548e-08lf;
    q = q * z + -1.6208703493148473e-07lf;
    q = q * z + 1.6447473235412989e-06lf;
    q = q * z + -1.4924742974207829e-05lf;
    q = q * z + 0.00012055295371866948lf;
    q = q * z + -0.0008548325998134765lf;
    q = q * z + 0.005223977607810989lf;
    q = q * z + -0.026866170643365092lf;
    q = q * z + 0.11283791670946283lf;
    q = q * z + -0.376126389031836lf;
    return q * z + erf_slope_low_f64();
}

// -log(erfc(x)), as well as 1 - erfc(x) needs it for x >= 1
fn erf_exponent_f64(x: f64) -> f64 {
    var q = -1.049505176790889e-12lf;
    q = q * x + 4.7955568565919463e-11lf;
    q = q * x + -1.0256078836404655e-09lf;
    q = q * x + 1.3625589927878818e-08lf;
    q = q * x + -1.2569572114082818e-07lf;
    q = q * x + 8.50518321916146e-07lf;
    q = q * x + -4.326786855165426e-06lf;
    q = q * x + 1.6513044012190843e-05lf;
    q = q * x + -4.5034924979931716e-05lf;
    q = q * x + 7.036131411939785e-05lf;
    q = q * x + 4.4831702130542236e-05lf;
    q = q * x + -0.0006411855079655857lf;
    q = q * x + 0.00176901467121243lf;
    q = q * x + -0.0002805005085336943lf;
    q = q * x + -0.01907814806826962lf;
    q = q * x + 0.10274724883955601lf;
    q = q * x + 0.6366284900080852lf;
    q = q * x + 1.1283773290394246lf;
    q = q * x + 1.7964182301657276e-07lf;
    return q;
}

// erfc(a) exp(a^2) (1 + 2 a), of t = (a - erfc_middle) / (a + erfc_middle)
fn erfc_factor_f64(t: f64) -> Pair_f64 {
    var q = -1.7176321156392818e-09lf;
    q = q * t + -1.3386241532949032e-08lf;
    q = q * t + -7.778753527362877e-09lf;
    q = q * t + 1.1456141309123894e-07lf;
    q = q * t + 6.238883387519916e-08lf;
    q = q * t + -8.34240739838131e-07lf;
    q = q * t + 3.019566027295089e-07lf;
    q = q * t + 5.717295618238227e-06lf;
    q = q * t + -1.1225283096198322e-05lf;
    q = q * t + -2.4402941713380383e-05lf;
    q = q * t + 0.00015062247155958575lf;
    q = q * t + -0.00019925556120188874lf;
    q = q * t + -0.0007577734048484509lf;
    q = q * t + 0.005031969763560174lf;
    q = q * t + -0.016197734048428364lf;
    q = q * t + 0.037167515561852785lf;
    q = q * t + -0.06633036581256335lf;
    q = q * t + 0.0937328349968239lf;
    q = q * t + -0.10103906603630118lf;
    q = q * t + 0.0680970542547366lf;
    q = q * t + 0.015379652102619766lf;
    q = q * t + -0.1396211168405629lf;
    return fast_sum_f64(1.2329951186255526lf, t * q + -4.544720917986983e-17lf);
}
