/* breaker.h - whether the provider may be called now, and how often. Pure: the caller gives the
 * time.
 *
 *     closed --5 unreachable in a row, a refused key, or "not so fast"--> open until a time
 *     open --the time has come--> one probe --answered--> closed
 *                                     \--not--> open again: 30 s, or for a refused key twice as
 *                                               long, up to an hour
 *
 * It belongs to this process and not to the database, because what is refused is the key that this
 * process has: a bridge that is started with the right one may send at once.
 */
#ifndef UNICHAT_PUSH_BREAKER_H
#define UNICHAT_PUSH_BREAKER_H

#include <stdbool.h>
#include <stdint.h>

typedef struct breaker_policy {
    unsigned max_unreachable;      /* in a row, before it opens */
    uint64_t unreachable_pause_ms; /* for how long */
    uint64_t refused_pause_ms;     /* first; doubles */
    uint64_t refused_max_ms;
} breaker_policy;

typedef struct breaker {
    breaker_policy policy;
    bool open;
    bool probing;             /* open, and the one call that tries is under way */
    uint64_t until_ms;        /* open: not before then */
    unsigned unreachable;     /* in a row */
    uint64_t refused_next_ms; /* the next pause for a refused key */
} breaker;

typedef enum breaker_event {
    BREAKER_ANSWERED,    /* the provider works, whatever it said */
    BREAKER_UNREACHABLE, /* no answer, or "service unavailable" */
    BREAKER_REFUSED,     /* our key is not accepted */
} breaker_event;

void breaker_init(breaker *b, const breaker_policy *policy);

/* How many of `wanted` calls may start now: all, one (the probe) or none. */
int breaker_allowance(const breaker *b, uint64_t now_ms, int wanted);

/* A call starts. */
void breaker_started(breaker *b);

/* A call ended. True when this opened the breaker, which is worth a line in the log. */
bool breaker_ended(breaker *b, uint64_t now_ms, breaker_event event);

/* The provider asks for a pause of all calls. */
void breaker_pause(breaker *b, uint64_t now_ms, uint64_t ms);

/* Milliseconds until a call may start; 0 when it may, or when a probe is under way. */
uint64_t breaker_wait_ms(const breaker *b, uint64_t now_ms);

#endif
