/* What ends connections before their time, one a line, whoever sent it: `v` and a notice of who was
 * vouched for, `r` and a row of the revocations. In it $ stands for the socket id of a connection
 * and # for the id of the key. Whoever is vouched for by a token that is good no more is closed. */
#include "../unit/app_options.h"
#include "base/clock.h"
#include "base/log.h"
#include "delivery/identity_notice.h"
#include "hub/vouch.h"

#include "json_peer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const config conf = {.jwt_algorithm = "HS256",
                            .jwt_secret = "0123456789abcdef0123456789abcdef",
                            .jwt_key_file = "",
                            .jwt_keys = "",
                            .jwt_issuer = "",
                            .jwt_audience = "",
                            .jwt_leeway = 30000};

static const key_set *the_keys(void)
{
    static const key_set *keys;
    buf why = {0};

    if (!keys)
        keys = key_set_load(&conf, &why);
    assert(keys);
    return keys;
}

static hub_conn *connect_one(hub *h)
{
    hub_app_options options = app_options();
    const char *why;
    int code;

    options.id = options.key = options.secret = "k";
    return hub_connect(hub_app_add(h, &options), NULL, NULL, "fuzz", &code, &why);
}

static char *filled_in(const char *text, const hub_conn *conn)
{
    char key[24];
    buf out = {0};

    snprintf(key, sizeof(key), "%" PRId64, (int64_t)the_keys()->keys[0].id);
    for (; *text; text++) {
        if (*text == '$')
            buf_puts(&out, hub_conn_socket_id(conn));
        else if (*text == '#')
            buf_puts(&out, key);
        else
            buf_putc(&out, *text);
    }
    return buf_take(&out);
}

static bool only_good(void *arg, const caller *who, const char **why)
{
    assert(token_is_still_good(arg, who, why));
    return true;
}

static void take(hub *h, const verifier *v, revocations *revoked, const char *line)
{
    if (*line == 'v')
        identity_take_vouch(h, v, line + 1);
    else if (*line == 'r' && identity_take_revocation(revoked, line + 1))
        identity_review(h, v);
    hub_review_vouches(h, only_good, (void *)v);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    revocations *revoked = revocations_new();
    verifier v = {&conf, the_keys(), revoked};
    hub *h = hub_new();
    char *text = malloc(size + 1), *rest = text;
    hub_conn *conn;

    log_set_level(LOG_LEVEL_ERROR + 1);
    hub_set_transport(h, &json_peer);
    conn = connect_one(h);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line; (line = strsep(&rest, "\n"));) {
        char *filled = filled_in(line, conn);

        take(h, &v, revoked, filled);
        free(filled);
    }
    wheel_advance(hub_wheel(h), clock_monotonic_ms() + 3600 * 1000);
    free(text);
    hub_disconnect(conn);
    hub_free(h);
    revocations_free(revoked);
    return 0;
}
