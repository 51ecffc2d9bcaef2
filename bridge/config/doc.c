/* doc.c - the table of settings as text: --help, docs/configuration.md, the example file. */
#include "config/setting.h"

#include <string.h>

static const char *const type_names[] = {"text",   "secret",   "choice", "number",
                                         "on/off", "duration", "size"};

/* The name as it stands in the file. */
static void put_name(FILE *out, const setting *s)
{
    fprintf(out, "%s%s", s->of_app ? "app_" : "", s->name);
}

/* Words of `text`, broken before column 100, each line after `indent`. */
static void put_wrapped(FILE *out, const char *indent, const char *text)
{
    size_t column = 0;
    while (*text != '\0') {
        size_t word = strcspn(text, " ");
        if (column > 0 && column + 1 + word > 100) {
            fputc('\n', out);
            column = 0;
        }
        if (column == 0)
            column = (size_t)fprintf(out, "%s", indent);
        else
            column += (size_t)fprintf(out, " ");
        fwrite(text, 1, word, out);
        column += word;
        text += word + (text[word] == ' ');
    }
    fputc('\n', out);
}

void config_write_help(FILE *out)
{
    for (const setting *s = setting_table; s->section || s->name; s++) {
        if (s->section) {
            fprintf(out, "\n%s\n", s->section);
            continue;
        }
        fputs("  ", out);
        put_name(out, s);
        fprintf(out, " = %s", *s->fallback == '\0' ? "(none)" : s->fallback);
        if (*s->limits != '\0')
            fprintf(out, "   [%s]", s->limits);
        fputc('\n', out);
        put_wrapped(out, "      ", s->help);
    }
}

static void put_limits(FILE *out, const setting *s)
{
    fputs(type_names[s->type], out);
    if (*s->limits == '\0')
        return;
    fputs(", ", out);
    for (const char *c = s->limits; *c != '\0'; c++) {
        if (*c == '|')
            fputs(", ", out);
        else if (strncmp(c, "..", 2) == 0 && *++c != '\0')
            fputs(" to ", out);
        else
            fputc(*c, out);
    }
}

/* The default; what depends on where this bridge is installed is shown as PREFIX. */
static void put_default(FILE *out, const setting *s)
{
    size_t prefix = strlen(UNICHAT_PREFIX);
    if (strncmp(s->fallback, UNICHAT_PREFIX "/", prefix + 1) == 0)
        fprintf(out, "PREFIX%s", s->fallback + prefix);
    else
        fputs(s->fallback, out);
}

static void put_doc_row(FILE *out, const setting *s)
{
    fputs("| `", out);
    put_name(out, s);
    fputs("` | ", out);
    put_limits(out, s);
    fputs(*s->fallback == '\0' ? " | " : " | `", out);
    put_default(out, s);
    fputs(*s->fallback == '\0' ? "| " : "` | ", out);
    fprintf(out, "%s | %s |\n", s->reload ? "yes" : "", s->help);
}

static const char doc_head[] =
    "# Configuration\n\n"
    "Made from the bridge's own table of settings by `unichat-bridge --print-config-doc`.\n\n"
    "A value comes from the environment, the file, a systemd credential (secrets alone) or the\n"
    "default, in this order. `unichat-bridge --check-config --config FILE` says everything that "
    "is\n"
    "wrong, and where.\n\n"
    "- **File** (`--config FILE`): one `name = value` on a line; `#` or `;` starts a comment "
    "line.\n"
    "  Everything behind the `=` is the value; there are no comments at the end of a line.\n"
    "- **Environment**: `UNICHAT_` and the name in capitals: `UNICHAT_LISTEN_PORT=9000`.\n"
    "- **Secrets** may also be given as `NAME_file` (`UNICHAT_NAME_FILE`), the path of a file "
    "that\n"
    "  holds the value; a trailing newline is cut. With systemd, `LoadCredential=NAME:/path` is\n"
    "  enough. Secrets are never taken from the command line, and never logged.\n"
    "- **Further Pusher apps** are sections `[app NAME]`, with the settings of \"Pusher app\" "
    "without\n"
    "  `app_`.\n"
    "- **SIGHUP** reads everything again. What is marked takes effect at once, the rest at the "
    "next\n"
    "  start; if anything is wrong, everything stays as it was and the log says why.\n";

static const char example_head[] =
    "# unichat-bridge: an example configuration. Every setting with its default;\n"
    "# docs/configuration.md explains them. What must be set: database, app_key, app_secret,\n"
    "# jwt_secret.\n";

void config_write_doc(FILE *out)
{
    fputs(doc_head, out);
    for (const setting *s = setting_table; s->section || s->name; s++) {
        if (s->section)
            fprintf(out,
                    "\n## %s\n\n| setting | type | default | SIGHUP | |\n| --- | --- | --- | --- | "
                    "--- |\n",
                    s->section);
        else
            put_doc_row(out, s);
    }
}

void config_write_example(FILE *out)
{
    fputs(example_head, out);
    for (const setting *s = setting_table; s->section || s->name; s++) {
        if (s->section) {
            fprintf(out, "\n# ---- %s ----\n", s->section);
            continue;
        }
        fputc('\n', out);
        put_wrapped(out, "# ", s->help);
        fputc('#', out);
        put_name(out, s);
        if (s->type == TYPE_SECRET)
            fputs("_file", out);
        fputs(" = ", out);
        if (s->type == TYPE_SECRET)
            fprintf(out, "/etc/unichat/%s%s", s->of_app ? "app_" : "", s->name);
        else
            put_default(out, s);
        fputc('\n', out);
    }
}
