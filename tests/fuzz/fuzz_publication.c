/* Notifications of unichat_publish, one a line, whoever sent them. Whatever comes
 * out is a frame of JSON; what is begun and never ended is given back. */
#include "../unit/app_options.h"
#include "base/log.h"
#include "delivery/publication.h"

#include "json_peer.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static hub_app *app_with_subscriber(hub *h, hub_conn **conn)
{
    static const char subscribe[] = "{\"event\":\"pusher:subscribe\",\"data\":{\"channel\":\"x\"}}";
    hub_app_options options = app_options();
    hub_app *app;
    const char *why;
    int code;

    app = hub_app_add(h, &options);
    *conn = hub_connect(app, NULL, NULL, "fuzz", &code, &why);
    hub_receive(*conn, subscribe, sizeof(subscribe) - 1);
    return app;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    hub *h = hub_new();
    char *text = malloc(size + 1), *rest = text;
    publication p = {0};
    hub_conn *conn;
    hub_app *app;

    log_set_level(LOG_LEVEL_ERROR);
    hub_set_transport(h, &json_peer);
    app = app_with_subscriber(h, &conn);
    memcpy(text, data, size);
    text[size] = '\0';
    for (char *line; (line = strsep(&rest, "\n"));)
        publication_take(&p, app, line);
    publication_clear(&p);
    free(text);
    hub_disconnect(conn);
    hub_free(h);
    return 0;
}
