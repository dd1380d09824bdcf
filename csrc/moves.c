/* Compiled once an instruction set (MOVE_TABLE names the table). */
#include "trueno.h"

#include <stddef.h>
#include <string.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "compress.h"
#include "lookup.h"
#include "radix.h"

const Moves MOVE_TABLE = {
    .count = count_mask,
    .compress = {compress_1, compress_2, compress_4, compress_8, compress_16},
    .expand = {expand_1, expand_2, expand_4, expand_8, expand_16},
    .positions = positions,
    .resolve = resolve,
    .gather = {gather_at_1, gather_at_2, gather_at_4, gather_at_8, gather_at_16},
    .keys = {KEYS(KEY_ENTRY)},
    .record_digits = {record_digits_8, record_digits_16},
    .numbers = {numbers_8, numbers_16},
    .tally = tally,
    .scatter_near = {scatter_near_1, scatter_near_2, scatter_near_4, scatter_near_8,
                     scatter_near_16},
    .scatter_far = {scatter_far_1, scatter_far_2, scatter_far_4, scatter_far_8, scatter_far_16},
    .flush = {flush_1, flush_2, flush_4, flush_8, flush_16},
};
