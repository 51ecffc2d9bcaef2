/* buf.h - a growing byte buffer.
 *
 * `data` is NULL as long as nothing was appended; afterwards it always has a NUL behind its `len`
 * bytes, so it can be printed. A zeroed buf is an empty one. Appending cannot fail (mem.h); who
 * appends what comes from outside sets its own limit first.
 */
#ifndef UNICHAT_BASE_BUF_H
#define UNICHAT_BASE_BUF_H

#include <stddef.h>

typedef struct buf {
    char *data;
    size_t len;
    size_t cap;
} buf;

/* Makes room for `more` bytes behind the content and returns where they go; the caller adds to
 * `len`. */
char *buf_reserve(buf *b, size_t more);

void buf_append(buf *b, const void *data, size_t len);
void buf_puts(buf *b, const char *s);
void buf_putc(buf *b, char c);
void buf_printf(buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Appends UTF-8 text as a JSON string literal with its quotes. Control characters, `"` and `\` are
 * escaped, all else is copied; invalid UTF-8 is the caller's mistake and is copied too. */
void buf_put_json_string(buf *b, const char *s, size_t len);

/* Empties it and keeps its memory. */
void buf_clear(buf *b);

/* Empties it and gives its memory back. */
void buf_free(buf *b);

/* Hands the content over (NUL-terminated, never NULL) and leaves the buffer empty. The caller frees
 * with free(). */
char *buf_take(buf *b) __attribute__((warn_unused_result));

#endif
