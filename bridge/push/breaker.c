/* breaker.c - the circuit breaker of a push provider. */
#include "push/breaker.h"

static void open_for(breaker *b, uint64_t now_ms, uint64_t ms)
{
    b->open = true;
    b->probing = false;
    if (now_ms + ms > b->until_ms)
        b->until_ms = now_ms + ms;
}

static void close_again(breaker *b)
{
    b->open = b->probing = false;
    b->until_ms = 0;
    b->unreachable = 0;
    b->refused_next_ms = b->policy.refused_pause_ms;
}

void breaker_init(breaker *b, const breaker_policy *policy)
{
    b->policy = *policy;
    close_again(b);
}

int breaker_allowance(const breaker *b, uint64_t now_ms, int wanted)
{
    if (!b->open || wanted <= 0)
        return wanted;
    return b->probing || now_ms < b->until_ms ? 0 : 1;
}

void breaker_started(breaker *b)
{
    b->probing = b->open;
}

static bool refused(breaker *b, uint64_t now_ms)
{
    /* Calls that were under way together are refused together: one pause for all of them. */
    if (b->open && !b->probing && now_ms < b->until_ms)
        return false;
    open_for(b, now_ms, b->refused_next_ms);
    b->refused_next_ms *= 2;
    if (b->refused_next_ms > b->policy.refused_max_ms)
        b->refused_next_ms = b->policy.refused_max_ms;
    return true;
}

static bool unreachable(breaker *b, uint64_t now_ms)
{
    bool probe = b->probing;

    b->unreachable++;
    if (!probe && (b->open || b->unreachable < b->policy.max_unreachable))
        return false;
    open_for(b, now_ms, b->policy.unreachable_pause_ms);
    return true;
}

bool breaker_ended(breaker *b, uint64_t now_ms, breaker_event event)
{
    switch (event) {
    case BREAKER_REFUSED:
        return refused(b, now_ms);
    case BREAKER_UNREACHABLE:
        return unreachable(b, now_ms);
    case BREAKER_ANSWERED:
        break;
    }
    /* A late answer to a call from before does not end a pause that began since. */
    if (!b->open || b->probing)
        close_again(b);
    return false;
}

void breaker_pause(breaker *b, uint64_t now_ms, uint64_t ms)
{
    open_for(b, now_ms, ms);
}

uint64_t breaker_wait_ms(const breaker *b, uint64_t now_ms)
{
    if (!b->open || b->probing || now_ms >= b->until_ms)
        return 0;
    return b->until_ms - now_ms;
}
