/* log.c - see log.h.
 *
 * A line is built whole in a stack buffer and written with one write(2), so lines of several
 * processes on one pipe do not mix. A line that is too long is cut. errno is kept.
 */
#include "base/log.h"
#include "base/clock.h"
#include "base/rate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINE_MAX_BYTES 4096
#define KINDS_MAX 512 /* more than there are calls in the program */

static log_level threshold = LOG_LEVEL_INFO;

static const struct {
    const char *name;
    const char *label;
    const char *journal_prefix;
} levels[] = {
    [LOG_LEVEL_DEBUG] = {"debug", "DEBUG", "<7>"},
    [LOG_LEVEL_INFO] = {"info", "INFO ", "<6>"},
    [LOG_LEVEL_WARNING] = {"warning", "WARN ", "<4>"},
    [LOG_LEVEL_ERROR] = {"error", "ERROR", "<3>"},
};

void log_set_level(log_level level)
{
    threshold = level;
}

bool log_enabled(log_level level)
{
    return level >= threshold;
}

bool log_level_parse(const char *name, log_level *level)
{
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        if (strcasecmp(name, levels[i].name) == 0) {
            *level = (log_level)i;
            return true;
        }
    }
    return false;
}

/* Whether standard error is the journal. The variable alone does not say so: it is inherited, also
 * by what has its output redirected; it names the device and inode of the stream. */
static bool to_journal(void)
{
    static int known = -1;
    unsigned long long device, inode;
    struct stat st;
    const char *stream = getenv("JOURNAL_STREAM");
    if (known < 0)
        known = stream && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
                fstat(STDERR_FILENO, &st) == 0 && st.st_dev == device && st.st_ino == inode;
    return known;
}

static size_t put_prefix(char *line, size_t size, log_level level)
{
    if (to_journal())
        return (size_t)snprintf(line, size, "%s", levels[level].journal_prefix);
    char now[CLOCK_RFC3339_SIZE];
    clock_rfc3339_ms(now, clock_unix_us());
    return (size_t)snprintf(line, size, "%s %s ", now, levels[level].label);
}

/* Copies `text` so that it stays on its line: control characters become \n, \t or \xHH. */
static size_t put_escaped(char *line, size_t size, size_t at, const char *text)
{
    for (; *text != '\0' && at + 5 < size; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != 0x7f)
            line[at++] = (char)c;
        else if (c == '\n' || c == '\t')
            at += (size_t)snprintf(line + at, size - at, "\\%c", c == '\n' ? 'n' : 't');
        else
            at += (size_t)snprintf(line + at, size - at, "\\x%02x", c);
    }
    return at;
}

/* ---- floods ---- */

typedef struct kind {
    const char *fmt;
    uint64_t full_at_us;
    uint64_t suppressed; /* since the last line */
} kind;

static kind kinds[KINDS_MAX]; /* a hash table, never emptied */

static kind *kind_of(const char *fmt)
{
    size_t at = (uintptr_t)fmt / sizeof(fmt);
    for (size_t i = 0; i < KINDS_MAX; i++) {
        kind *k = &kinds[(at + i) % KINDS_MAX];
        if (!k->fmt)
            k->fmt = fmt;
        if (k->fmt == fmt)
            return k;
    }
    return NULL;
}

/* Whether a line of this kind may be written, and then how many were not since the last one. */
static bool take_turn(log_level level, const char *fmt, uint64_t *suppressed)
{
    *suppressed = 0;
    kind *k = level == LOG_LEVEL_INFO || level == LOG_LEVEL_WARNING ? kind_of(fmt) : NULL;
    if (!k)
        return true;
    if (rate_take(rate_of(LOG_A_SECOND, 1, LOG_BURST), &k->full_at_us, clock_monotonic_us()) > 0) {
        k->suppressed++;
        return false;
    }
    *suppressed = k->suppressed;
    k->suppressed = 0;
    return true;
}

void log_write(log_level level, const char *who, const char *fmt, ...)
{
    uint64_t suppressed;
    if (!log_enabled(level) || !take_turn(level, fmt, &suppressed))
        return;
    int saved = errno;
    char text[LINE_MAX_BYTES];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);

    char line[LINE_MAX_BYTES + 256];
    size_t room = sizeof(line) - 64; /* the rest is for what comes last */
    size_t at = put_prefix(line, room, level);
    if (who && *who != '\0') {
        at = put_escaped(line, room, at, who);
        line[at++] = ' ';
    }
    at = put_escaped(line, room, at, text);
    if (suppressed > 0)
        at += (size_t)snprintf(line + at, sizeof(line) - at, " suppressed=%" PRIu64, suppressed);
    line[at++] = '\n';
    ssize_t written = write(STDERR_FILENO, line, at);
    (void)written; /* nobody is left to tell */
    errno = saved;
}

const char *log_quote(const char *value)
{
    static char ring[8][220];
    static unsigned turn;
    char *out = ring[turn++ % 8];
    size_t at = 0;
    out[at++] = '"';
    for (const char *s = value ? value : ""; *s != '\0' && at < 200; s++) {
        if (*s == '"' || *s == '\\')
            out[at++] = '\\';
        out[at++] = *s;
    }
    out[at++] = '"';
    out[at] = '\0';
    return out;
}
