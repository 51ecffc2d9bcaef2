/* push_item.h - the words that the queue and a provider share: what is to be pushed, and what came
 * of it.
 *
 * A provider is two pure functions: an item to the request it needs, and the provider's answer to a
 * result. The result set is the one every provider fits in (OneSignal, FCM, APNs, Web Push, ntfy),
 * so another provider is another file beside onesignal.c and no change to the queue.
 */
#ifndef UNICHAT_PUSH_ITEM_H
#define UNICHAT_PUSH_ITEM_H

#include <stdbool.h>
#include <stdint.h>

/* One claimed row of push_notifications. Strings are valid UTF-8 and never NULL; ids are decimal
 * text. */
typedef struct push_item {
    const char *id;
    int attempt;
    const char *idempotency_key;
    const char *kind;       /* new_chat, resend: one chat; digest: all that wait */
    const char *request_id; /* "" in a digest */
    const char *player_id;  /* "" in a digest */
    const char *player_name;
    const char *urgency; /* low, normal, high, urgent */
    const char *message; /* how the player's message begins */
    const char *data;    /* a JSON object of the row's own, for the device */
    int failures;        /* attempts that failed before this one */
    int64_t waiting;     /* chats that wait now */
    int64_t oldest_s;    /* how long the first of them waits */
} push_item;

typedef enum push_outcome {
    PUSH_SENT,          /* accepted; provider_id names it */
    PUSH_NO_RECIPIENTS, /* accepted, and nobody can be reached: final, not an error */
    PUSH_FAILED,        /* will never be accepted */
    PUSH_RETRY,         /* unknown or not now: again later, with the same key */
    PUSH_REFUSED,       /* the provider does not accept our credentials */
    PUSH_RELEASED,      /* given back without an answer */
} push_outcome;

/* How much of a provider's own words is kept. */
#define PUSH_ERROR_SIZE 1001
#define PUSH_PROVIDER_ID_SIZE 129

typedef struct push_result {
    push_outcome outcome;
    int http_status;  /* 0: no answer */
    bool unreachable; /* no answer, or one that says the service is down: counts for the breaker */
    bool throttled;   /* the provider asked for a pause of all */
    int64_t retry_after_ms; /* -1: the provider named no time */
    char provider_id[PUSH_PROVIDER_ID_SIZE];
    char error[PUSH_ERROR_SIZE]; /* "" when there is nothing to say */
} push_result;

/* The word for an outcome, as unichat_push_result takes it. */
const char *push_outcome_name(push_outcome outcome);

#endif
