/* Ends one reading of ops.def: the next one gives its macros another meaning. */
#undef OP
#undef UNARY
#undef UNARY2
#undef BINARY
#undef BINARY2
#undef TERNARY2
#undef PREDICATE
#undef PREDICATE2
#undef COMPARE
#undef SELECT
#undef DIVISION
#undef MATH
#undef MATH2
#undef TRIG
#undef LENGTH
#undef ANGLE
