/* pusher_frame.c - see pusher_frame.h. */
#include "protocol/pusher_frame.h"

#include <string.h>

static void put_string(buf *out, const char *s)
{
    buf_put_json_string(out, s, strlen(s));
}

static void put_head(buf *out, const char *channel, const char *event)
{
    buf_puts(out, "{\"event\":");
    put_string(out, event);
    if (channel) {
        buf_puts(out, ",\"channel\":");
        put_string(out, channel);
    }
}

void pusher_frame_event(buf *out, const char *channel, const char *event, const char *data,
                        size_t len)
{
    put_head(out, channel, event);
    if (data) {
        buf_puts(out, ",\"data\":");
        buf_put_json_string(out, data, len);
    }
    buf_putc(out, '}');
}

void pusher_frame_client_event(buf *out, const char *channel, const char *event, const char *data,
                               size_t len, const char *user_id)
{
    put_head(out, channel, event);
    if (data) {
        buf_puts(out, ",\"data\":");
        buf_append(out, data, len);
    }
    if (user_id) {
        buf_puts(out, ",\"user_id\":");
        put_string(out, user_id);
    }
    buf_putc(out, '}');
}

void pusher_frame_established(buf *out, const char *socket_id, unsigned activity_timeout)
{
    put_head(out, NULL, "pusher:connection_established");
    buf_printf(out, ",\"data\":\"{\\\"socket_id\\\":\\\"%s\\\",\\\"activity_timeout\\\":%u}\"}",
               socket_id, activity_timeout);
}

void pusher_frame_error(buf *out, int code, const char *message, const char *channel)
{
    put_head(out, channel, "pusher:error");
    if (code)
        buf_printf(out, ",\"data\":{\"code\":%d,\"message\":", code);
    else
        buf_puts(out, ",\"data\":{\"code\":null,\"message\":");
    put_string(out, message);
    buf_puts(out, "}}");
}

/* Appends `inner`, which is emptied, as the string of `data`, and ends the frame. */
static void put_inner(buf *out, buf *inner)
{
    buf_puts(out, ",\"data\":");
    buf_put_json_string(out, inner->data, inner->len);
    buf_putc(out, '}');
    buf_free(inner);
}

void pusher_frame_subscription_error(buf *out, const char *channel, const char *type,
                                     const char *message, int status)
{
    put_head(out, channel, "pusher:subscription_error");
    buf_puts(out, ",\"data\":{\"type\":");
    put_string(out, type);
    buf_puts(out, ",\"error\":");
    put_string(out, message);
    buf_printf(out, ",\"status\":%d}}", status);
}

void pusher_frame_signin_success(buf *out, const char *user_data)
{
    buf inner = {0};

    put_head(out, NULL, "pusher:signin_success");
    buf_puts(&inner, "{\"user_data\":");
    put_string(&inner, user_data);
    buf_putc(&inner, '}');
    put_inner(out, &inner);
}

void pusher_frame_subscription_count(buf *out, const char *channel, unsigned count)
{
    put_head(out, channel, "pusher_internal:subscription_count");
    buf_printf(out, ",\"data\":\"{\\\"subscription_count\\\":%u}\"}", count);
}
