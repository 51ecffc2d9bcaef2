/* resume_answer.h - what clients are told about resuming; the words are docs/events.md, "Resuming".
 *
 *     unichat:resumed   it has everything
 *     unichat:resync    it cannot be continued: load everything anew
 *     the greeting      what a new subscriber has to know to resume later
 */
#ifndef UNICHAT_DELIVERY_RESUME_ANSWER_H
#define UNICHAT_DELIVERY_RESUME_ANSWER_H

#include "base/buf.h"
#include "hub/hub.h"

#include <jansson.h>

typedef struct resume_summary {
    const char *channel;
    json_t *after;   /* as the client gave it: a text means the staff, who are told the position */
    unsigned events; /* sent to it */
    const char *epoch; /* of the database that they came from */
} resume_summary;

/* Registers the metrics. Before any answer. */
void resume_answer_start(void);

void resume_answer_resumed(hub_conn *conn, const resume_summary *summary);

/* `channel` is NULL where the question named none that could be one; `field` is the one of the
 * question that is wrong, or NULL. */
void resume_answer_resync(hub_conn *conn, const char *channel, const char *reason,
                          const char *field);

/* Publishes a resync on every channel of the chat that can be resumed. */
void resume_answer_everybody(hub_app *app, const char *reason);

/* Publishes it on the channels of this player and of the staff. */
void resume_answer_concerned(hub_app *app, const char *player_id, const char *reason);

/* The data of subscription_succeeded, in `out`, which is emptied first; with the position of now,
 * on the staff's channels, if that is wanted. NULL for a channel that cannot be resumed, and before
 * the database is known. */
const char *resume_answer_greeting(buf *out, const char *channel, bool with_position);

#endif
