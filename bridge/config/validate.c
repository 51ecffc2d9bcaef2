/* validate.c - what has to be right among several settings, or of one by its meaning.
 *
 * Each check appends one line: the setting's name, what is wrong, and what to do.
 */
#include "base/log.h"
#include "base/mem.h"
#include "config/setting.h"

#include <libpq-fe.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#define MIN_JWT_SECRET 32 /* RFC 7518, 3.2: at least as long as the hash */
#define MIN_APP_SECRET 16
#define MIN_METRICS_TOKEN 16

static bool wrong(buf *problems, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Always false, for `return wrong(…)`. */
static bool wrong(buf *problems, const char *fmt, ...)
{
    char text[1024];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    buf_printf(problems, "%s\n", text);
    return false;
}

static bool check_readable(const char *name, const char *path, buf *problems)
{
    if (*path == '\0' || access(path, R_OK) == 0)
        return true;
    return wrong(problems, "%s: cannot read \"%s\"", name, path);
}

void warn_of_exposed_secret(const char *path)
{
    struct stat st;
    if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & S_IROTH) != 0)
        log_warning("event=secret_readable_by_everyone file=%s hint=%s", LOG_Q(path),
                    LOG_Q("chmod o-r"));
}

/* libpq's own message would quote a part of the string, which may be a part of a password. */
static bool check_database(const config *c, buf *problems)
{
    PQconninfoOption *options = PQconninfoParse(c->database, NULL);
    bool ok = options != NULL;
    PQconninfoFree(options);
    if (!ok)
        wrong(problems,
              "database: is not a libpq connection string; write NAME=VALUE pairs such as "
              "\"host=db.example dbname=chat\", or postgresql://user@host/chat");
    return ok;
}

static bool is_hmac(const config *c)
{
    return strncmp(c->jwt_algorithm, "HS", 2) == 0;
}

/* What the keys are worth, identity/keys.c says. */
static bool check_jwt(const config *c, buf *problems)
{
    if (*c->jwt_keys != '\0') {
        if (*c->jwt_secret != '\0' || *c->jwt_key_file != '\0')
            return wrong(problems, "jwt_keys: takes the place of jwt_secret and jwt_key_file; move "
                                   "their key into it, or take it out");
        return true;
    }
    if (!is_hmac(c)) {
        if (*c->jwt_key_file == '\0')
            return wrong(problems, "jwt_key_file: %s needs the public key's PEM file",
                         c->jwt_algorithm);
        return check_readable("jwt_key_file", c->jwt_key_file, problems);
    }
    if (*c->jwt_secret == '\0')
        return wrong(problems, "jwt_secret: is not set; make one with: openssl rand -base64 48");
    if (strlen(c->jwt_secret) < MIN_JWT_SECRET)
        return wrong(problems,
                     "jwt_secret: is shorter than %d bytes; make one with: "
                     "openssl rand -base64 48",
                     MIN_JWT_SECRET);
    return true;
}

static bool check_app(const config_app *app, buf *problems)
{
    char *prefix = *app->name == '\0' ? mem_strdup("app_") : mem_printf("[app %s] ", app->name);
    bool ok = true;
    if (*app->id == '\0' || strchr(app->id, '/'))
        ok = wrong(problems, "%sid: must be set and without a slash", prefix);
    if (*app->key == '\0')
        ok = wrong(problems, "%skey: is not set; make one with: openssl rand -hex 10", prefix);
    else if (strspn(app->key, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") !=
             strlen(app->key))
        ok = wrong(problems, "%skey: may have letters, digits, - and _ alone", prefix);
    if (strlen(app->secret) < MIN_APP_SECRET)
        ok = wrong(problems,
                   "%ssecret: is not set or shorter than %d bytes; make one with: "
                   "openssl rand -hex 24",
                   prefix, MIN_APP_SECRET);
    free(prefix);
    return ok;
}

static bool check_apps(const config *c, buf *problems)
{
    bool ok = true;
    for (size_t i = 0; i < c->app_count; i++) {
        ok &= check_app(&c->apps[i], problems);
        for (size_t j = 0; j < i; j++)
            if (strcmp(c->apps[i].id, c->apps[j].id) == 0 ||
                strcmp(c->apps[i].key, c->apps[j].key) == 0)
                ok = wrong(problems, "[app %s]: id and key must differ from every other app's",
                           c->apps[i].name);
    }
    return ok;
}

static bool check_tls(const config *c, buf *problems)
{
    if ((*c->tls_cert == '\0') != (*c->tls_key == '\0'))
        return wrong(problems, "tls_cert, tls_key: set both or none");
    bool ok = check_readable("tls_cert", c->tls_cert, problems);
    return check_readable("tls_key", c->tls_key, problems) && ok;
}

static bool is_loopback(const char *address)
{
    return strncmp(address, "127.", 4) == 0 || strcmp(address, "::1") == 0 ||
           strcmp(address, "localhost") == 0;
}

static bool check_demo(const config *c, buf *problems)
{
    if (*c->demo_password == '\0')
        return true;
    if (!is_loopback(c->listen_address))
        return wrong(problems, "demo_password: lets anyone in who knows it, so it works only while "
                               "listen_address is 127.0.0.1, ::1 or localhost; take it out");
    if (!is_hmac(c) || *c->jwt_secret == '\0')
        return wrong(problems, "demo_password: needs jwt_secret and jwt_algorithm HS256, HS384 or "
                               "HS512, because the bridge signs the demo's tokens");
    return true;
}

static bool check_metrics(const config *c, buf *problems)
{
    size_t len = strlen(c->metrics_token);
    if (len == 0 || len >= MIN_METRICS_TOKEN)
        return true;
    return wrong(problems,
                 "metrics_token: is shorter than %d bytes; make one with: openssl rand -hex 24",
                 MIN_METRICS_TOKEN);
}

/* "https://chat.example" or with a port, as a browser writes it. */
static bool is_origin(const char *text, size_t len)
{
    static const char *const schemes[] = {"https://", "http://"};
    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++) {
        size_t at = strlen(schemes[i]);
        if (len > at && strncasecmp(text, schemes[i], at) == 0)
            return strcspn(text + at, "*/?#@ \t,") == len - at;
    }
    return false;
}

/* These may use the cookies of whoever looks at them: "*" would be every site of the world, and
 * "null" every page in a sandbox. */
static bool check_origins(const config *c, buf *problems)
{
    bool ok = true;
    size_t len;
    for (const char *at = c->allowed_origins; *at != '\0'; at += len + strspn(at + len, " \t,")) {
        len = strcspn(at, " \t,");
        if (len > 0 && !is_origin(at, len))
            ok = wrong(problems,
                       "allowed_origins: \"%.*s\" is no origin; name each as https://HOST or "
                       "https://HOST:PORT, for they speak with the cookies of their visitors",
                       (int)len, at);
    }
    return ok;
}

static bool check_prefix(const config *c, buf *problems)
{
    size_t len = strlen(c->path_prefix);
    if (len > 0 && (c->path_prefix[0] != '/' || c->path_prefix[len - 1] == '/'))
        return wrong(problems, "path_prefix: must begin with a slash and not end with one");
    return true;
}

/* A key must not cross a network in the clear. */
static bool is_safe_url(const char *url)
{
    if (strchr(url, '@'))
        return false;
    if (strncmp(url, "https://", 8) == 0)
        return url[8] != '\0';
    if (strncmp(url, "http://", 7) != 0)
        return false;
    const char *host = url + 7;
    size_t len = strcspn(host, ":/");
    return strncmp(host, "[::1]", 5) == 0 || (len == 9 && strncmp(host, "localhost", len) == 0) ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == len);
}

static bool check_target(const config *c, buf *problems)
{
    static const char *const kinds[] = {"segment:", "tag:", "external_id:", "subscription:"};
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        size_t len = strlen(kinds[i]);
        if (strncmp(c->onesignal_target, kinds[i], len) == 0 && c->onesignal_target[len] != '\0')
            return true;
    }
    return wrong(problems, "onesignal_target: must be segment:NAME, tag:KEY=VALUE, "
                           "external_id:ID,... or subscription:UUID,...");
}

static bool check_push(const config *c, buf *problems)
{
    bool ok = check_target(c, problems);
    if (*c->onesignal_api_key != '\0' && *c->onesignal_app_id == '\0')
        ok = wrong(problems, "onesignal_app_id: is not set, but onesignal_api_key is");
    if (!is_safe_url(c->onesignal_base_url))
        ok = wrong(problems, "onesignal_base_url: must begin with https://, or with http:// and a "
                             "loopback address");
    if (c->push_lease <= c->push_timeout)
        ok = wrong(problems, "push_lease: must be longer than push_timeout");
    return ok;
}

/* What others are told, or measure, in seconds. */
static bool check_seconds(const config *c, buf *problems)
{
    const struct {
        const char *name;
        int64_t ms;
    } durations[] = {
        {"activity_timeout", c->activity_timeout},
        {"jwt_leeway", c->jwt_leeway},
        {"demo_session", c->demo_session},
        {"push_ttl", c->push_ttl},
    };
    bool ok = true;
    for (size_t i = 0; i < sizeof(durations) / sizeof(*durations); i++)
        if (durations[i].ms % 1000 != 0)
            ok = wrong(problems, "%s: must be a number of whole seconds", durations[i].name);
    return ok;
}

bool config_validate(const config *c, buf *problems)
{
    bool ok = check_database(c, problems);
    ok &= check_jwt(c, problems);
    ok &= check_apps(c, problems);
    ok &= check_tls(c, problems);
    ok &= check_demo(c, problems);
    ok &= check_metrics(c, problems);
    ok &= check_prefix(c, problems);
    ok &= check_origins(c, problems);
    ok &= check_push(c, problems);
    ok &= check_seconds(c, problems);
    return ok;
}
