/* token_command.c - see token_command.h. The secret comes from the configuration, never from the
 * command line. */
#include "identity/token_command.h"
#include "base/clock.h"
#include "base/text.h"
#include "identity/token.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is wrong with the options, or NULL. */
static const char *check(const command_line *line, caller_role *role, int64_t *lifetime_ms)
{
    if (!line->role || !caller_role_parse(line->role, role))
        return "--role must be player or staff";
    if (!line->sub || *line->sub == '\0' || strlen(line->sub) > TOKEN_SUB_MAX ||
        !text_utf8_valid(line->sub, strlen(line->sub)))
        return "--sub must be the id, 1 to 128 bytes of UTF-8";
    if (line->name &&
        (strlen(line->name) > TOKEN_NAME_MAX || !text_utf8_valid(line->name, strlen(line->name))))
        return "--name must be at most 200 bytes of UTF-8";
    if (!text_parse_duration(line->expires, 1000, lifetime_ms) || *lifetime_ms < 1000)
        return "--expires must be a duration such as 30s, 10min, 1h or 7d";
    return NULL;
}

int token_command(const config *conf, const command_line *line)
{
    caller_role role;
    int64_t lifetime_ms, now = clock_unix_seconds();
    const char *wrong = check(line, &role, &lifetime_ms);
    buf why = {0};
    key_set *keys = wrong ? NULL : key_set_load(conf, &why);
    char *token = NULL;
    if (keys) {
        caller *who = caller_new(role, line->sub, line->name, now + lifetime_ms / 1000);
        token = token_mint(&(verifier){.conf = conf, .keys = keys}, who, now);
        caller_free(who);
        wrong = "only a key of HS256, HS384 or HS512 can sign tokens here";
    }
    if (token)
        puts(token);
    else
        fprintf(stderr, "unichat-bridge token: %s\n", why.len > 0 ? why.data : wrong);
    key_set_free(keys);
    buf_free(&why);
    free(token);
    return !token;
}
