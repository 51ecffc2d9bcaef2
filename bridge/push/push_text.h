/* push_text.h - what a person wrote, made fit for a notification. Pure.
 *
 * A notification is one short line on a lock screen, and its text passes through a service that has
 * a template language.
 */
#ifndef UNICHAT_PUSH_TEXT_H
#define UNICHAT_PUSH_TEXT_H

#include <stddef.h>

/* One line of at most `max_chars` characters of the valid UTF-8 `text`: runs of blanks and control
 * characters are one space, none at the ends; characters that turn the direction of the text around
 * are left out; `{{`, `{%` and `{#` are parted, so that no template begins; what is too long ends
 * in "…" and is not cut within a character or between a character and its marks. The caller frees.
 */
char *push_text_line(const char *text, size_t max_chars) __attribute__((warn_unused_result));

/* Copies what an outside service said into `out`: one line, printable, valid UTF-8, cut to fit
 * `size` with its NUL. */
void push_text_foreign(char *out, size_t size, const char *data, size_t len);

#endif
