// NumPy's arithmetic on booleans: addition is OR, multiplication AND, order False < True.

fn add_bool(a: bool, b: bool) -> bool { return a || b; }
fn multiply_bool(a: bool, b: bool) -> bool { return a && b; }
fn abs_bool(a: bool) -> bool { return a; }
fn floor_bool(a: bool) -> bool { return a; }
fn ceil_bool(a: bool) -> bool { return a; }
fn trunc_bool(a: bool) -> bool { return a; }
fn maximum_bool(a: bool, b: bool) -> bool { return a || b; }
fn minimum_bool(a: bool, b: bool) -> bool { return a && b; }
fn equal_bool(a: bool, b: bool) -> bool { return a == b; }
fn less_bool(a: bool, b: bool) -> bool { return !a && b; }
fn less_equal_bool(a: bool, b: bool) -> bool { return !a || b; }
fn isnan_bool(a: bool) -> bool { return false; }
fn isinf_bool(a: bool) -> bool { return false; }
fn isfinite_bool(a: bool) -> bool { return true; }
fn truth_bool(a: bool) -> bool { return a; }
fn bitwise_and_bool(a: bool, b: bool) -> bool { return a && b; }
fn bitwise_or_bool(a: bool, b: bool) -> bool { return a || b; }
fn bitwise_xor_bool(a: bool, b: bool) -> bool { return a != b; }
fn bitwise_invert_bool(a: bool) -> bool { return !a; }
fn logical_and_bool(a: bool, b: bool) -> bool { return a && b; }
fn logical_or_bool(a: bool, b: bool) -> bool { return a || b; }
fn identity_logical_and_bool() -> bool { return true; }
fn identity_logical_or_bool() -> bool { return false; }
fn identity_maximum_bool() -> bool { return false; }
fn identity_minimum_bool() -> bool { return true; }
