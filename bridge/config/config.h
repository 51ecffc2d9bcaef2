/* config.h - the settings.
 *
 * settings.def is the table; a setting `max_body` is the field config->max_body. A value comes
 * from, the first that is there: the environment (UNICHAT_MAX_BODY), the file (max_body = 256kB),
 * for a secret the systemd credential of its name ($CREDENTIALS_DIRECTORY/jwt_secret), the default.
 * A secret can be given as NAME_file: the path of a file whose content, without one trailing
 * newline, is the value. Secrets are never taken from the command line and never shown.
 *
 * Strings belong to the config and are never NULL. A reload replaces the RELOAD settings in place:
 * read those through the config whenever they are needed and do not keep their pointers.
 */
#ifndef UNICHAT_CONFIG_H
#define UNICHAT_CONFIG_H

#include "base/buf.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define CONFIG_FIELD_STRING const char *
#define CONFIG_FIELD_SECRET const char *
#define CONFIG_FIELD_CHOICE const char *
#define CONFIG_FIELD_INTEGER int64_t
#define CONFIG_FIELD_BOOLEAN bool
#define CONFIG_FIELD_DURATION int64_t /* milliseconds */
#define CONFIG_FIELD_SIZE int64_t     /* bytes */

/* One Pusher app. */
typedef struct config_app {
    const char *name; /* of its section [app NAME]; "" for the first */
#define SECTION(title)
#define SETTING(type, name, fallback, limits, reload, help)
#define APP_SETTING(type, name, fallback, limits, help) CONFIG_FIELD_##type name;
#include "config/settings.def"
#undef APP_SETTING
#undef SETTING
} config_app;

typedef struct config {
    const char *path; /* of the file, NULL without one */
    config_app *apps; /* apps[0] is always there: the app that carries the chat */
    size_t app_count;
#define SETTING(type, name, fallback, limits, reload, help) CONFIG_FIELD_##type name;
#define APP_SETTING(type, name, fallback, limits, help)
#include "config/settings.def"
#undef APP_SETTING
#undef SETTING
#undef SECTION
} config;

/* Reads the file (NULL: none), the environment and the credentials, and checks everything.
 * On success a config that the caller frees with config_free(). On error NULL.
 * Either way `problems` gets one line for each thing that is wrong: where, what, and what to do. */
config *config_load(const char *path, buf *problems) __attribute__((warn_unused_result));

/* Called when `live` has the new RELOAD settings. False, after a line in the log, refuses them. */
typedef bool config_accept(void *arg);

/* Reads everything again and takes over the RELOAD settings, if what there is then, settings that
 * wait for a restart and all, is right and accepted; logs which have changed, and which would need
 * a restart. On error nothing is changed, `problems` says why unless `accept` has, and the result
 * is false. */
bool config_reload(config *live, config_accept *accept, void *arg, buf *problems)
    __attribute__((warn_unused_result));

void config_free(config *c);

/* The table as text: for --help, for docs/configuration.md, and as an example file. */
void config_write_help(FILE *out);
void config_write_doc(FILE *out);
void config_write_example(FILE *out);

#endif
