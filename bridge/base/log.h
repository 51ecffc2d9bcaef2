/* log.h - one line per event on standard error.
 *
 *     2026-01-31T12:00:00.123Z INFO  ws=17 peer=10.0.0.9 event=subscribed channel=private-player-42
 *
 * A line is `key=value` pairs, the first of them `event=`. Who the line is about (a connection, a
 * request, a database session) is a string that the object keeps from its birth and hands to
 * log_*_as(), so no call can forget it. Control characters are escaped here, so a value that came
 * from outside cannot forge a line. Use LOG_Q for values that may have blanks. Never log message
 * texts, tokens or keys.
 *
 * What clients do makes most lines, so a flood of theirs must not become one of the log: of each
 * kind, which is the text of the call, LOG_BURST lines at once are written and LOG_A_SECOND from
 * then on; the next one says how many were not, `suppressed=N`. That is for INFO and WARNING: an
 * ERROR is always written, and DEBUG is for those who want everything.
 *
 * Into systemd's journal ($JOURNAL_STREAM) the time is left out and the level is the journal's own
 * `<n>` prefix.
 */
#ifndef UNICHAT_BASE_LOG_H
#define UNICHAT_BASE_LOG_H

#include <stdbool.h>

#define LOG_BURST 200
#define LOG_A_SECOND 10

typedef enum log_level {
    LOG_LEVEL_DEBUG,
    LOG_LEVEL_INFO,
    LOG_LEVEL_WARNING,
    LOG_LEVEL_ERROR,
} log_level;

/* Lines below `level` are dropped. The start value is INFO. */
void log_set_level(log_level level);
bool log_enabled(log_level level);

/* Finds the level called `name` (debug, info, warning, error); false when there is none. */
bool log_level_parse(const char *name, log_level *level);

/* Writes one line. `who` may be NULL. `fmt` is a literal. */
void log_write(log_level level, const char *who, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_debug(...) log_debug_as(NULL, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, NULL, __VA_ARGS__)
#define log_warning(...) log_write(LOG_LEVEL_WARNING, NULL, __VA_ARGS__)
#define log_error(...) log_write(LOG_LEVEL_ERROR, NULL, __VA_ARGS__)

/* The arguments of a debug line are evaluated only when it is written. */
#define log_debug_as(who, ...)                                                                     \
    do {                                                                                           \
        if (log_enabled(LOG_LEVEL_DEBUG))                                                          \
            log_write(LOG_LEVEL_DEBUG, who, __VA_ARGS__);                                          \
    } while (0)
#define log_info_as(who, ...) log_write(LOG_LEVEL_INFO, who, __VA_ARGS__)
#define log_warning_as(who, ...) log_write(LOG_LEVEL_WARNING, who, __VA_ARGS__)
#define log_error_as(who, ...) log_write(LOG_LEVEL_ERROR, who, __VA_ARGS__)

/* The value in double quotes, with `"` and `\` escaped, cut at 200 bytes; for a value that may have
 * blanks. log_warning("event=config key=%s value=%s", key, LOG_Q(value)); The text lives until the
 * eighth LOG_Q after it. */
#define LOG_Q(value) log_quote(value)
const char *log_quote(const char *value);

#endif
