/* Copies of bytes. */
#ifndef TRUENO_COPY_H
#define TRUENO_COPY_H

#include <stdint.h>
#include <string.h>

/* From some 2 KiB on, the C library copies with `rep movsb`, which on AMD's Zen 3 and 4 takes ten
 * times as long where the target lies up to 63 bytes behind the source, modulo a page (glibc's bug
 * 30994): as in `u[1:-1] = v`. In parts it takes its vector loop, which is as fast. */
enum { COPY_PART = 2048 };

/* The two are the same bytes, or do not overlap. */
static inline void copy_bytes(char *to, const char *from, int64_t bytes) {
    for (; bytes > COPY_PART; bytes -= COPY_PART, to += COPY_PART, from += COPY_PART)
        memmove(to, from, COPY_PART);
    memmove(to, from, (size_t)bytes);
}

#endif
