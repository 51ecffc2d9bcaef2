/* config.c - where values come from (see config.h).
 *
 * The sources are read in the order defaults, credentials, file, environment, and a later one
 * overwrites an earlier one; so the environment wins. Nothing stops at the first mistake: every
 * problem is a line in `problems`, and there is a config only when there are none.
 *
 * A reload loads a second config in the same way and exchanges the fields that may change. What has
 * to be right is the file, which the next start will meet, and the mixture of it with what waits
 * for that start. When the mixture is not, or the caller cannot live with it, the same fields are
 * exchanged again: nobody has seen anything in between.
 */
#include "config/config.h"
#include "base/log.h"
#include "base/mem.h"
#include "config/ini_file.h"
#include "config/setting.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SECRET_FILE_MAX 65536

typedef struct loading {
    config *config;
    const char *path;
    buf *problems;
    bool failed;
    bool has_secret; /* the file itself, not one that it names */
} loading;

#define EACH_SETTING(s)                                                                            \
    const setting *s = setting_table;                                                              \
    s->section || s->name;                                                                         \
    s++

static void problem(loading *l, const char *where, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

static void problem(loading *l, const char *where, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_printf(l->problems, "%s: %s\n", where, text);
    l->failed = true;
}

/* ---- values ---- */

static void assign(loading *l, const setting *s, void *base, const char *where, const char *text)
{
    buf why = {0};
    if (!setting_set(s, base, text, &why)) {
        if (s->type == TYPE_SECRET)
            problem(l, where, "%s", why.data);
        else
            problem(l, where, "\"%s\" %s", text, why.data);
    }
    buf_free(&why);
}

/* The content of a secret's file without one trailing newline, or NULL after a problem. The caller
 * frees. */
static char *read_secret_file(loading *l, const char *where, const char *path)
{
    FILE *f = fopen(path, "re");
    if (!f) {
        problem(l, where, "cannot read the file \"%s\": %s", path, strerror(errno));
        return NULL;
    }
    char *text = mem_alloc(SECRET_FILE_MAX + 2);
    size_t len = fread(text, 1, SECRET_FILE_MAX + 1, f);
    bool broke_off = ferror(f) != 0;
    fclose(f);
    warn_of_exposed_secret(path);
    if (broke_off || len > SECRET_FILE_MAX) {
        problem(l, where,
                broke_off ? "cannot read the file \"%s\"" : "the file \"%s\" is larger than 64 kB",
                path);
        free(text);
        return NULL;
    }
    if (len > 0 && text[len - 1] == '\n')
        text[--len] = '\0';
    if (len > 0 && text[len - 1] == '\r')
        text[--len] = '\0';
    if (strlen(text) == len && len > 0)
        return text;
    problem(l, where, "the file \"%s\" is empty or has a NUL in it", path);
    free(text);
    return NULL;
}

static void assign_from_file(loading *l, const setting *s, void *base, const char *where,
                             const char *path)
{
    char *text = read_secret_file(l, where, path);
    if (text)
        assign(l, s, base, where, text);
    free(text);
}

/* ---- defaults and apps ---- */

static void set_defaults(void *base, bool of_app)
{
    for (EACH_SETTING(s))
        if (s->name && s->of_app == of_app)
            setting_set_default(s, base);
}

static config_app *add_app(config *c, const char *name)
{
    c->apps = mem_realloc(c->apps, (c->app_count + 1) * sizeof(c->apps[0]));
    config_app *app = &c->apps[c->app_count++];
    *app = (config_app){.name = mem_strdup(name)};
    set_defaults(app, true);
    return app;
}

static config_app *app_by_name(config *c, const char *name)
{
    for (size_t i = 1; i < c->app_count; i++)
        if (strcmp(c->apps[i].name, name) == 0)
            return &c->apps[i];
    return add_app(c, name);
}

/* ---- credentials ---- */

static void read_credentials(loading *l)
{
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    if (!dir)
        return;
    for (EACH_SETTING(s)) {
        if (!s->name || s->type != TYPE_SECRET)
            continue;
        char *path = mem_printf("%s/%s%s", dir, s->of_app ? "app_" : "", s->name);
        struct stat st;
        if (stat(path, &st) == 0)
            assign_from_file(l, s, s->of_app ? (void *)l->config->apps : l->config, path, path);
        free(path);
    }
}

/* ---- the file ---- */

/* Finds the setting `name` of an app or of all, itself or, for a secret, by NAME_file. */
static const setting *find_with_file(const char *name, bool of_app, bool *by_file)
{
    *by_file = false;
    const setting *s = setting_find(name, of_app);
    size_t len = strlen(name);
    if (s || len < 5 || strcmp(name + len - 5, "_file") != 0)
        return s;
    char *stem = mem_strndup(name, len - 5);
    s = setting_find(stem, of_app);
    free(stem);
    *by_file = true;
    return s && s->type == TYPE_SECRET ? s : NULL;
}

static const setting *find_in_section(loading *l, const char *section, const char *name,
                                      void **base, bool *by_file)
{
    if (*section != '\0') {
        const char *app_name = section + strlen("app ");
        *base = app_by_name(l->config, app_name + strspn(app_name, " \""));
        return find_with_file(name, true, by_file);
    }
    *base = l->config;
    const setting *s = find_with_file(name, false, by_file);
    if (!s && strncmp(name, "app_", 4) == 0) {
        *base = &l->config->apps[0];
        s = find_with_file(name + 4, true, by_file);
    }
    return s;
}

static void take_pair(void *arg, int line, const char *section, const char *name, const char *value)
{
    loading *l = arg;
    void *base;
    bool by_file;
    char *where = mem_printf("%s:%d", l->path, line);
    if (!value) {
        problem(l, where, "\"%s\" has no value; write NAME = VALUE", name);
    } else if (*section != '\0' && (strncmp(section, "app ", 4) != 0 || section[4] == '\0')) {
        problem(l, where, "there is no section [%s]; only [app NAME] is known", section);
    } else {
        const setting *s = find_in_section(l, section, name, &base, &by_file);
        char *named = mem_printf("%s: %s", where, name);
        if (!s)
            problem(l, where, "there is no setting \"%s\"; --help lists all", name);
        else if (by_file)
            assign_from_file(l, s, base, named, value);
        else
            assign(l, s, base, named, value);
        l->has_secret |= s && s->type == TYPE_SECRET && !by_file;
        free(named);
    }
    free(where);
}

static void read_file(loading *l)
{
    int result = ini_file_read(l->path, take_pair, l);
    if (result < 0) {
        problem(l, l->path, "cannot read the file: %s", strerror(errno));
    } else if (result > 0) {
        char *where = mem_printf("%s:%d", l->path, result);
        problem(l, where, "this is neither NAME = VALUE nor [app NAME]");
        free(where);
    }
    if (l->has_secret)
        warn_of_exposed_secret(l->path);
}

/* ---- the environment ---- */

static char *environment_name(const setting *s, const char *suffix)
{
    char *name = mem_printf("UNICHAT_%s%s%s", s->of_app ? "APP_" : "", s->name, suffix);
    for (char *c = name; *c != '\0'; c++)
        *c = (char)toupper((unsigned char)*c);
    return name;
}

static void read_variable(loading *l, const setting *s)
{
    void *base = s->of_app ? (void *)l->config->apps : l->config;
    char *name = environment_name(s, "");
    char *file_name = environment_name(s, "_FILE");
    const char *value = getenv(name);
    const char *file = s->type == TYPE_SECRET ? getenv(file_name) : NULL;
    if (value && file)
        problem(l, name, "is set, and %s too; keep one of them", file_name);
    else if (value)
        assign(l, s, base, name, value);
    else if (file)
        assign_from_file(l, s, base, file_name, file);
    free(name);
    free(file_name);
}

static void read_environment(loading *l)
{
    for (EACH_SETTING(s))
        if (s->name)
            read_variable(l, s);
}

/* ---- the whole ---- */

config *config_load(const char *path, buf *problems)
{
    config *c = mem_new(config);
    loading l = {.config = c, .path = path, .problems = problems};
    c->path = mem_strdup(path);
    set_defaults(c, false);
    add_app(c, "");
    read_credentials(&l);
    if (path)
        read_file(&l);
    read_environment(&l);
    if (*c->tls_key != '\0')
        warn_of_exposed_secret(c->tls_key);
    if (!l.failed && config_validate(c, problems))
        return c;
    config_free(c);
    return NULL;
}

static void exchange(config *live, config *fresh)
{
    for (EACH_SETTING(s))
        if (s->name && !s->of_app && s->reload)
            setting_swap(s, live, fresh);
}

static void report_changes(const config *live, const config *fresh)
{
    for (EACH_SETTING(s)) {
        if (!s->name || s->of_app || setting_equal(s, live, fresh))
            continue;
        if (s->reload)
            log_info("event=setting_changed setting=%s", s->name);
        else
            log_warning("event=setting_needs_restart setting=%s", s->name);
    }
}

static void report_changed_apps(const config *live, const config *fresh)
{
    bool changed = live->app_count != fresh->app_count;
    for (size_t i = 0; !changed && i < live->app_count; i++)
        for (EACH_SETTING(s))
            if (s->of_app && !setting_equal(s, &live->apps[i], &fresh->apps[i]))
                changed = true;
    if (changed)
        log_warning("event=setting_needs_restart setting=app");
}

static bool is_right_until_restart(const config *live, buf *problems)
{
    if (config_validate(live, problems))
        return true;
    buf_puts(problems, "this is so until a restart, which some of the changes wait for; restart\n");
    return false;
}

bool config_reload(config *live, config_accept *accept, void *arg, buf *problems)
{
    config *fresh = config_load(live->path, problems);
    if (!fresh)
        return false;
    exchange(live, fresh);
    bool ok = is_right_until_restart(live, problems) && accept(arg);
    if (ok) {
        report_changes(live, fresh);
        report_changed_apps(live, fresh);
    } else {
        exchange(live, fresh);
    }
    config_free(fresh);
    return ok;
}

void config_free(config *c)
{
    if (!c)
        return;
    for (EACH_SETTING(s)) {
        if (!s->name)
            continue;
        if (!s->of_app)
            setting_clear(s, c);
        for (size_t i = 0; s->of_app && i < c->app_count; i++)
            setting_clear(s, &c->apps[i]);
    }
    for (size_t i = 0; i < c->app_count; i++)
        free((char *)c->apps[i].name);
    free(c->apps);
    free((char *)c->path);
    free(c);
}
