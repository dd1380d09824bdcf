/* Compiled once an instruction set (MOVE_TABLE names the table). */
#include "moves.h"

#include <stddef.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "compress.h"
#include "lookup.h"

const Moves MOVE_TABLE = {
    .count = count_mask,
    .compress = {compress_1, compress_2, compress_4, compress_8, compress_16},
    .expand = {expand_1, expand_2, expand_4, expand_8, expand_16},
    .positions = positions,
    .resolve = resolve,
    .gather = {gather_at_1, gather_at_2, gather_at_4, gather_at_8, gather_at_16},
};
