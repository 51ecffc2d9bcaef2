/* ops_api.c - /healthz, /readyz, /metrics. */
#include "api/api.h"
#include "base/metrics.h"

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
                      json_pack("{s:s, s:b, s:b, s:b}", "status", ready ? "ok" : "unavailable",
                                "listening", listening, "database", pool, "draining", a->draining));
}

static void handle_metrics(http_request *req, void *arg)
{
    (void)arg;
    buf out = {0};
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
