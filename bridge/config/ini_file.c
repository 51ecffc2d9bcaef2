/* ini_file.c - libinih with line numbers.
 *
 * libinih as Debian builds it does not tell its handler the line, so it reads through a reader of
 * ours that counts. Its Python-like extras are switched off: with inline comments a password with "
 * ;" in it would be cut, and with multi-line values an indented setting would silently become a
 * part of the one before.
 */
#include "config/ini_file.h"

#include <errno.h>
#include <ini.h>
#include <stdio.h>
#include <string.h>

typedef struct reader {
    FILE *file;
    int line;
    bool within_line; /* the last piece had no newline: the next one continues its line */
    ini_pair *pair;
    void *arg;
} reader;

static char *read_piece(char *out, int size, void *stream)
{
    reader *r = stream;
    if (!fgets(out, size, r->file))
        return NULL;
    if (!r->within_line)
        r->line++;
    r->within_line = !strchr(out, '\n');
    return out;
}

static int hand_on(void *arg, const char *section, const char *name, const char *value)
{
    reader *r = arg;
    r->pair(r->arg, r->line, section, name, value);
    return 1;
}

static int parse_stream(reader *r)
{
    ini_allow_multiline = false;
    ini_allow_inline_comments = false;
    ini_allow_no_value = true;
    ini_use_stack = false;
    ini_allow_realloc = true;
    ini_max_line = 16384;
    return ini_parse_stream(read_piece, r, hand_on, r);
}

int ini_file_read(const char *path, ini_pair *pair, void *arg)
{
    reader r = {.file = fopen(path, "re"), .pair = pair, .arg = arg};
    if (!r.file)
        return -1;
    int result = parse_stream(&r);
    int read_error = ferror(r.file) ? errno : 0;
    fclose(r.file);
    if (read_error != 0) {
        errno = read_error;
        return -1;
    }
    return result;
}
