/* ops_api.c - /healthz, /readyz, /metrics.
 *
 * The first two are for anybody and say yes or no. The numbers are for the operator: how many are
 * connected, how often who is refused, whether the database answers. They are given to a request
 * from this machine itself, and to one that has the setting metrics_token.
 */
#include "api/api.h"
#include "api/throttle.h"
#include "base/log.h"
#include "base/metrics.h"
#include "base/text.h"

#include <string.h>

static void handle_health(http_request *req, void *arg)
{
    (void)arg;
    http_respond_json(req, 200, json_pack("{s:s}", "status", "ok"));
}

static void handle_ready(http_request *req, void *arg)
{
    const api *a = arg;
    bool listening = listener_is_live(a->listener), pool = db_pool_ready(a->pool);
    bool ready = listening && pool && !a->draining;
    if (!ready)
        http_set_header(req, "Retry-After", "1");
    http_respond_json(req, ready ? 200 : 503,
                      json_pack("{s:s}", "status", ready ? "ok" : "unavailable"));
}

static bool has_metrics_token(const api *a, http_request *req)
{
    bool by_cookie;
    const char *wanted = a->conf->metrics_token, *token = api_token(req, &by_cookie);
    return *wanted != '\0' && !by_cookie && token &&
           text_equal_secret(token, strlen(token), wanted, strlen(wanted));
}

/* A wrong token is told from none: whoever guesses is slowed down. */
static void refuse_metrics(const api *a, http_request *req)
{
    if (http_header(req, "authorization") && !throttle_failure(a, req))
        return;
    log_warning("event=metrics_refused peer=%s hint=%s", http_peer(req),
                LOG_Q("they are for this machine itself, not through a proxy, and for who sends "
                      "metrics_token"));
    http_respond_error(req, 403, "forbidden", NULL,
                       "the metrics are for the machine that the bridge runs on, and for who sends "
                       "metrics_token as Authorization: Bearer");
}

static void handle_metrics(http_request *req, void *arg)
{
    const api *a = arg;
    buf out = {0};
    if (!http_is_local(req) && !has_metrics_token(a, req)) {
        refuse_metrics(a, req);
        return;
    }
    metrics_render(&out);
    http_respond(req, 200, "text/plain; version=0.0.4; charset=utf-8", out.data, out.len);
    buf_free(&out);
}

/* ---- the hub's own numbers ---- */

#define HUB_METRIC(field)                                                                          \
    static double read_##field(void *arg)                                                          \
    {                                                                                              \
        hub_stats stats;                                                                           \
        hub_get_stats(arg, &stats);                                                                \
        return (double)stats.field;                                                                \
    }

HUB_METRIC(connections)
HUB_METRIC(channels)
HUB_METRIC(subscriptions)
HUB_METRIC(users)

static void register_metrics(const api *a)
{
    metric_gauge_read("unichat_connections", NULL, "WebSocket connections.", read_connections,
                      a->hub);
    metric_gauge_read("unichat_channels", NULL, "Channels with subscribers.", read_channels,
                      a->hub);
    metric_gauge_read("unichat_subscriptions", NULL, "Subscriptions.", read_subscriptions, a->hub);
    metric_gauge_read("unichat_users", NULL, "Signed-in users.", read_users, a->hub);
}

void ops_api_routes(api *a, server *srv)
{
    register_metrics(a);
    http_route(srv, "GET", "/healthz", handle_health, a);
    http_route(srv, "GET", "/readyz", handle_ready, a);
    http_route(srv, "GET", "/metrics", handle_metrics, a);
}
