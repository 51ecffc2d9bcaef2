/* pusher_frame.h - the messages of a server, encoded. Pure; each appends one JSON object to `out`.
 *
 * `data` is double-encoded, a JSON string that contains JSON, except in pusher:error and where a
 * client's event is passed on. Names and texts must be UTF-8; they are escaped here.
 */
#ifndef UNICHAT_PROTOCOL_PUSHER_FRAME_H
#define UNICHAT_PROTOCOL_PUSHER_FRAME_H

#include "base/buf.h"

#include <stddef.h>

/* An event on a channel (NULL: of the connection); data is any text, put verbatim as a JSON string.
 * NULL: no data at all. */
void pusher_frame_event(buf *out, const char *channel, const char *event, const char *data,
                        size_t len);

/* A client's event passed on: data is JSON as the sender wrote it (NULL: none); user_id NULL
 * outside of presence channels. */
void pusher_frame_client_event(buf *out, const char *channel, const char *event, const char *data,
                               size_t len, const char *user_id);

void pusher_frame_established(buf *out, const char *socket_id, unsigned activity_timeout);

/* code 0 is null, for what does not close the connection; channel may be NULL. */
void pusher_frame_error(buf *out, int code, const char *message, const char *channel);
void pusher_frame_subscription_error(buf *out, const char *channel, const char *type,
                                     const char *message, int status);
void pusher_frame_signin_success(buf *out, const char *user_data);
void pusher_frame_subscription_count(buf *out, const char *channel, unsigned count);

#endif
