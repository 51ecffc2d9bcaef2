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
    for (const setting *s = setting_table; s->section != NULL || s->name != NULL; s++) {
        if (s->section != NULL) {
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

static void put_doc_row(FILE *out, const setting *s)
{
    fputs("| `", out);
    put_name(out, s);
    fputs("` | ", out);
    put_limits(out, s);
    if (*s->fallback == '\0')
        fputs(" | | ", out);
    else
        fprintf(out, " | `%s` | ", s->fallback);
    fprintf(out, "%s | %s |\n", s->reload ? "yes" : "", s->help);
}

void config_write_doc(FILE *out)
{
    fputs("# Configuration\n\n"
          "This page is made from the bridge's own table of settings: `unichat-bridge "
          "--print-settings=doc`.\n\n"
          "A value comes from the environment, the file, a systemd credential (secrets alone) or "
          "the default, in\n"
          "this order. `unichat-bridge --check-config --config FILE` says everything that is "
          "wrong, and where.\n\n"
          "- **File** (`--config FILE`): one `name = value` on a line; `#` or `;` starts a comment "
          "line. Everything\n"
          "  behind the `=` is the value; there are no comments at the end of a line.\n"
          "- **Environment**: `UNICHAT_` and the name in capitals, for example "
          "`UNICHAT_LISTEN_PORT=9000`.\n"
          "- **Secrets** may also be given as `NAME_file` (`UNICHAT_NAME_FILE`): the path of a "
          "file that holds the\n"
          "  value; a trailing newline is cut. With systemd, `LoadCredential=NAME:/path` is "
          "enough. Secrets are never\n"
          "  taken from the command line, and never logged.\n"
          "- **Further Pusher apps** are sections `[app NAME]` with the settings of the last table "
          "without `app_`.\n"
          "- **SIGHUP** reads everything again. What is marked takes effect at once, the rest at "
          "the next start; if\n"
          "  anything is wrong, everything stays as it was and the log says why.\n",
          out);
    for (const setting *s = setting_table; s->section != NULL || s->name != NULL; s++) {
        if (s->section != NULL)
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
    fputs("# unichat-bridge: an example configuration. Every setting with its default; "
          "docs/configuration.md\n"
          "# explains them. What must be set: database, app_key, app_secret, jwt_secret.\n",
          out);
    for (const setting *s = setting_table; s->section != NULL || s->name != NULL; s++) {
        if (s->section != NULL) {
            fprintf(out, "\n# ---- %s ----\n", s->section);
            continue;
        }
        fputc('\n', out);
        put_wrapped(out, "# ", s->help);
        fputc('#', out);
        put_name(out, s);
        if (s->type == TYPE_SECRET)
            fputs("_file", out);
        fprintf(out, " = %s\n", s->type == TYPE_SECRET ? "/etc/unichat/" : s->fallback);
    }
}
