fn leading_zeros_u32(x: u32) -> u32 { return countLeadingZeros(x); }
