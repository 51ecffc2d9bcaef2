/* setting.h - a row of the table, and values by their type. For config/ alone. */
#ifndef UNICHAT_CONFIG_SETTING_H
#define UNICHAT_CONFIG_SETTING_H

#include "config/config.h"

typedef enum setting_type {
    TYPE_STRING,
    TYPE_SECRET,
    TYPE_CHOICE,
    TYPE_INTEGER,
    TYPE_BOOLEAN,
    TYPE_DURATION,
    TYPE_SIZE,
} setting_type;

typedef struct setting {
    const char *section; /* not NULL: a heading, and nothing else is set */
    const char *name;
    setting_type type;
    const char *fallback; /* the default, as it would stand in the file */
    const char *limits;
    bool reload;
    bool of_app; /* a field of config_app, else of config */
    size_t offset;
    const char *help;
} setting;

/* All rows in the order of the table; the last one has neither section nor name. */
extern const setting setting_table[];

/* The setting called `name` (without `app_`) among those of an app or the others; NULL when there
 * is none. */
const setting *setting_find(const char *name, bool of_app);

/* Reads `text` into the field of `base` (a config or config_app). False, with a phrase like "is not
 * a number" that says what would be right, leaves the field as it was. */
bool setting_set(const setting *s, void *base, const char *text, buf *why)
    __attribute__((warn_unused_result));

/* Sets the default into a field that has no value yet. */
void setting_set_default(const setting *s, void *base);

/* Frees a string's memory. */
void setting_clear(const setting *s, void *base);

bool setting_equal(const setting *s, const void *a, const void *b);

/* Exchanges the field of two configs. */
void setting_swap(const setting *s, void *a, void *b);

/* Says in the log when every user of the machine may read a file that holds a secret. It is no
 * error: in a container, secrets are mounted so, and nobody else is there. */
void warn_of_exposed_secret(const char *path);

/* Checks that need more than one setting; appends a line for each problem. False when there was
 * one. */
bool config_validate(const config *c, buf *problems);

#endif
