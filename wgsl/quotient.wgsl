// On a device whose division rounds correctly, whatever the operands.
fn divide_$T(a: $T, b: $T) -> $T { return exact_$T(a / b); }
