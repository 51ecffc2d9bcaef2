/* Notifications of unichat_publish, one a line, as whoever may NOTIFY can send them. Whatever comes
 * out is a frame of JSON; what is begun and never ended is given back. */
#include "base/log.h"
#include "delivery/publication.h"
#include "hub/frame.h"
#include "hub/session.h"

#include <assert.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_frame(void *peer, frame *f)
{
    size_t header = f->bytes[1] < 126 ? 2 : f->bytes[1] == 126 ? 4 : 10;
    json_t *json = json_loadb((const char *)f->bytes + header, f->len - header,
                              JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

    (void)peer;
    assert(json && json_is_string(json_object_get(json, "event")));
    json_decref(json);
}

static void closing(void *peer, int code, const char *reason)
{
    (void)peer;
    (void)code;
    (void)reason;
}

static size_t no_backlog(const void *peer)
{
    (void)peer;
    return 0;
}

static hub_app *app_with_subscriber(hub *h, hub_conn **conn)
{
    static const char subscribe[] = "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"x\"}}";
    hub_app_options options;
    hub_app *app;
    const char *why;
    int code;

    hub_app_options_init(&options);
    options.id = options.key = options.secret = "k";
    app = hub_app_add(h, &options);
    *conn = hub_connect(app, NULL, NULL, "fuzz", &code, &why);
    hub_receive(*conn, subscribe, sizeof(subscribe) - 1);
    return app;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const hub_transport transport = {check_frame, closing, no_backlog, NULL, NULL};
    hub *h = hub_new();
    char *text = malloc(size + 1), *rest = text;
    publication p = {0};
    hub_conn *conn;
    hub_app *app;

    log_set_level(LOG_LEVEL_ERROR);
    hub_set_transport(h, &transport);
    app = app_with_subscriber(h, &conn);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line; (line = strsep(&rest, "\n")) != NULL;)
        publication_take(&p, app, line);
    publication_clear(&p);
    free(text);
    hub_disconnect(conn);
    hub_free(h);
    return 0;
}
