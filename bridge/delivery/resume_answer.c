/* resume_answer.c - see resume_answer.h. */
#include "delivery/resume_answer.h"
#include "base/log.h"
#include "base/metrics.h"
#include "delivery/channel_map.h"
#include "delivery/delivery.h"
#include "hub/follow.h"

#include <stdlib.h>
#include <string.h>

#define EVENT_RESUMED "unichat:resumed"
#define EVENT_RESYNC "unichat:resync"

static metric *resumed, *resynced;

void resume_answer_start(void)
{
    static const char help[] = "Resumes that have ended, by how.";
    resumed = metric_counter("unichat_resumes_total", "result=\"resumed\"", help);
    resynced = metric_counter("unichat_resumes_total", "result=\"resync\"", help);
}

/* Takes the data over. */
static void answer(hub_conn *conn, const char *channel, const char *event, json_t *data)
{
    char *text = json_dumps(data, JSON_COMPACT);
    hub_send(conn, channel, event, text, strlen(text));
    json_decref(data);
    free(text);
}

void resume_answer_resumed(hub_conn *conn, const resume_summary *s)
{
    json_t *data = json_pack("{s:s, s:O, s:i, s:s?}", "channel", s->channel, "after", s->after,
                             "events", (int)s->events, "epoch", s->epoch);
    if (json_is_string(s->after) && delivery_position())
        json_object_set_new(data, "position", json_string(delivery_position()));
    answer(conn, s->channel, EVENT_RESUMED, data);
    metric_add(resumed, 1);
    log_info_as(hub_conn_log_name(conn), "event=resumed channel=%s events=%u", s->channel,
                s->events);
}

void resume_answer_resync(hub_conn *conn, const char *channel, const char *reason,
                          const char *field)
{
    answer(conn, channel, EVENT_RESYNC,
           json_pack("{s:s?, s:s, s:s*}", "channel", channel, "reason", reason, "field", field));
    if (channel)
        metric_add(resynced, 1);
    log_info_as(hub_conn_log_name(conn), "event=resync channel=%s reason=%s",
                LOG_Q(channel ? channel : ""), reason);
}

static bool can_be_resumed(const char *channel)
{
    return channel_is_of_chat(channel) && strcmp(channel, CHANNEL_STAFF_PRESENCE) != 0;
}

typedef struct resync_visit {
    hub_app *app;
    const char *reason;
} resync_visit;

static void resync_channel(void *arg, const char *channel)
{
    const resync_visit *visit = arg;
    buf data = {0};
    if (!can_be_resumed(channel))
        return;
    buf_printf(&data, "{\"channel\":\"%s\",\"reason\":\"%s\"}", channel, visit->reason);
    hub_publish(visit->app, channel, EVENT_RESYNC, data.data, data.len, NULL);
    buf_free(&data);
}

void resume_answer_everybody(hub_app *app, const char *reason)
{
    resync_visit visit = {app, reason};
    hub_each_channel(app, resync_channel, &visit);
}

void resume_answer_concerned(hub_app *app, const char *player_id, const char *reason)
{
    resync_visit visit = {app, reason};
    char channel[CHANNEL_NAME_SIZE];
    resync_channel(&visit, CHANNEL_STAFF);
    resync_channel(&visit, CHANNEL_STAFF_PRIVATE);
    if (!channel_of_player(channel, CHANNEL_PLAYER_PRIVATE_PREFIX, player_id))
        return;
    resync_channel(&visit, channel);
    resync_channel(&visit, channel + strlen(CHANNEL_PRIVATE_FORM));
}

const char *resume_answer_greeting(buf *out, const char *channel, bool with_position)
{
    const char *epoch = delivery_epoch(), *position = delivery_position();
    if (!epoch || !can_be_resumed(channel))
        return NULL;
    buf_clear(out);
    buf_printf(out, "{\"epoch\":\"%s\"", epoch);
    if (with_position && channel_is_of_staff(channel) && position)
        buf_printf(out, ",\"position\":\"%s\"", position);
    buf_putc(out, '}');
    return out->data;
}
