/* onesignal.h - OneSignal's REST API as two pure functions: an item to a request, an answer to a
 * result. No I/O.
 *
 * Nothing here knows the API key: the queue adds it to the headers, so that it cannot end up in a
 * body or a log.
 */
#ifndef UNICHAT_PUSH_ONESIGNAL_H
#define UNICHAT_PUSH_ONESIGNAL_H

#include "push/push_item.h"

#include <stddef.h>

typedef enum onesignal_preview {
    ONESIGNAL_PREVIEW_FULL, /* name and message */
    ONESIGNAL_PREVIEW_NAME, /* name */
    ONESIGNAL_PREVIEW_NONE, /* neither, nor the player's id */
} onesignal_preview;

typedef struct onesignal_options {
    const char *app_id;
    const char *target;     /* see onesignal_target_valid */
    const char *portal_url; /* of the staff's portal; "" leaves the link out */
    onesignal_preview preview;
    size_t preview_length; /* characters of the message */
    int64_t ttl_s;
} onesignal_options;

/* Who is told:
 *     segment:NAME                  a segment of the app
 *     tag:KEY=VALUE                 users with this tag
 *     external_id:ID[,ID…]          users by the id they signed in with, at most 2,000
 *     subscription:UUID[,UUID…]     devices, at most 2,000
 * True when `target` is one of these. */
bool onesignal_target_valid(const char *target);

/* The body of POST /notifications. The same item gives the same body, except for how long chats
 * wait in a digest. The caller frees. */
char *onesignal_body(const onesignal_options *options, const push_item *item)
    __attribute__((warn_unused_result));

/* What an answer means. `status` 0: there was none, and `transport_error` says why. `body` may be
 * anything. */
void onesignal_result(int status, const char *body, size_t len, int64_t retry_after_ms,
                      const char *transport_error, push_result *result);

#endif
