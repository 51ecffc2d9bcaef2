/* setting.c - the table as data, and values by their type (see setting.h). */
#include "config/setting.h"
#include "base/mem.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { RESTART = false, RELOAD = true };

const setting setting_table[] = {
#define SECTION(title) {.section = title},
#define SETTING(type_, name_, fallback_, limits_, reload_, help_)                                  \
    {.name = #name_,                                                                               \
     .type = TYPE_##type_,                                                                         \
     .fallback = fallback_,                                                                        \
     .limits = limits_,                                                                            \
     .reload = reload_,                                                                            \
     .offset = offsetof(config, name_),                                                            \
     .help = help_},
#define APP_SETTING(type_, name_, fallback_, limits_, help_)                                       \
    {.name = #name_,                                                                               \
     .type = TYPE_##type_,                                                                         \
     .fallback = fallback_,                                                                        \
     .limits = limits_,                                                                            \
     .of_app = true,                                                                               \
     .offset = offsetof(config_app, name_),                                                        \
     .help = help_},
#include "config/settings.def"
#undef APP_SETTING
#undef SETTING
#undef SECTION
    {0},
};

const setting *setting_find(const char *name, bool of_app)
{
    for (const setting *s = setting_table; s->section || s->name; s++)
        if (s->name && s->of_app == of_app && strcmp(s->name, name) == 0)
            return s;
    return NULL;
}

static bool is_text(const setting *s)
{
    return s->type == TYPE_STRING || s->type == TYPE_SECRET || s->type == TYPE_CHOICE;
}

static char **text_field(const setting *s, void *base)
{
    return (char **)((char *)base + s->offset);
}

static int64_t *number_field(const setting *s, void *base)
{
    return (int64_t *)((char *)base + s->offset);
}

static bool *boolean_field(const setting *s, void *base)
{
    return (bool *)((char *)base + s->offset);
}

static bool parse_number(setting_type type, const char *text, int64_t *value)
{
    if (type == TYPE_DURATION)
        return text_parse_duration(text, 1000, value);
    if (type == TYPE_SIZE)
        return text_parse_size(text, value);
    return text_parse_int(text, INT64_MIN, INT64_MAX, value);
}

/* Splits "min..max"; the table's own limits are right, which a unit test sees to. */
static void parse_limits(const setting *s, int64_t *min, int64_t *max)
{
    const char *dots = strstr(s->limits, "..");
    char *low = mem_strndup(s->limits, (size_t)(dots - s->limits));
    if (!parse_number(s->type, low, min) || !parse_number(s->type, dots + 2, max))
        abort();
    free(low);
}

static bool set_number(const setting *s, void *base, const char *text, buf *why)
{
    static const char *const wanted[] = {
        [TYPE_INTEGER] = "is not a whole number",
        [TYPE_DURATION] = "is not a duration such as 500ms, 5s, 10min, 12h or 30d",
        [TYPE_SIZE] = "is not a size such as 64kB or 1MB",
    };
    int64_t value, min, max;
    parse_limits(s, &min, &max);
    if (!parse_number(s->type, text, &value)) {
        buf_puts(why, wanted[s->type]);
        return false;
    }
    if (value < min || value > max) {
        buf_printf(why, "is not within %s", s->limits);
        return false;
    }
    *number_field(s, base) = value;
    return true;
}

static bool is_choice(const char *choices, const char *text)
{
    size_t len = strlen(text);
    for (const char *c = choices;; c++) {
        size_t n = strcspn(c, "|");
        if (n == len && strncmp(c, text, n) == 0)
            return true;
        c += n;
        if (*c == '\0')
            return false;
    }
}

static bool set_text(const setting *s, void *base, const char *text, buf *why)
{
    if (s->type == TYPE_CHOICE && !is_choice(s->limits, text)) {
        buf_printf(why, "is none of %s", s->limits);
        return false;
    }
    if (!text_utf8_valid(text, strlen(text)) && s->type != TYPE_SECRET) {
        buf_puts(why, "is not valid UTF-8");
        return false;
    }
    mem_replace(text_field(s, base), text);
    return true;
}

bool setting_set(const setting *s, void *base, const char *text, buf *why)
{
    if (is_text(s))
        return set_text(s, base, text, why);
    if (s->type != TYPE_BOOLEAN)
        return set_number(s, base, text, why);
    if (text_parse_bool(text, boolean_field(s, base)))
        return true;
    buf_puts(why, "is neither on nor off");
    return false;
}

void setting_set_default(const setting *s, void *base)
{
    buf why = {0};
    if (!setting_set(s, base, s->fallback, &why))
        abort(); /* the table contradicts itself; a unit test loads the defaults */
    buf_free(&why);
}

void setting_clear(const setting *s, void *base)
{
    if (is_text(s))
        free(*text_field(s, base));
}

bool setting_equal(const setting *s, const void *a, const void *b)
{
    void *x = (void *)a, *y = (void *)b;
    if (is_text(s))
        return strcmp(*text_field(s, x), *text_field(s, y)) == 0;
    if (s->type == TYPE_BOOLEAN)
        return *boolean_field(s, x) == *boolean_field(s, y);
    return *number_field(s, x) == *number_field(s, y);
}

void setting_swap(const setting *s, void *a, void *b)
{
    size_t size = is_text(s)                ? sizeof(char *)
                  : s->type == TYPE_BOOLEAN ? sizeof(bool)
                                            : sizeof(int64_t);
    char held[sizeof(int64_t)];
    memcpy(held, (char *)a + s->offset, size);
    memcpy((char *)a + s->offset, (char *)b + s->offset, size);
    memcpy((char *)b + s->offset, held, size);
}
