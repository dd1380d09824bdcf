// On a device whose square root rounds correctly, whatever the operand.
fn sqrt_$T(x: $T) -> $T { return exact_$T(sqrt(x)); }
