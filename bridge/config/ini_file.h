/* ini_file.h - an INI file, pair by pair, each with its line. */
#ifndef UNICHAT_CONFIG_INI_FILE_H
#define UNICHAT_CONFIG_INI_FILE_H

#include <stdbool.h>

/* `value` is NULL where a line has no `=`. `section` is "" before the first one. */
typedef void ini_pair(void *arg, int line, const char *section, const char *name,
                      const char *value);

/* Calls `pair` for each line that is neither blank nor a comment (# or ; at its start).
 * Returns 0, the number of a line that cannot be read, or -1 when the file cannot be (errno says
 * why). */
int ini_file_read(const char *path, ini_pair *pair, void *arg);

#endif
