/* push_item.c - names of outcomes. */
#include "push/push_item.h"

const char *push_outcome_name(push_outcome outcome)
{
    static const char *const names[] = {
        [PUSH_SENT] = "sent",       [PUSH_NO_RECIPIENTS] = "no_recipients",
        [PUSH_FAILED] = "failed",   [PUSH_RETRY] = "retry",
        [PUSH_REFUSED] = "refused", [PUSH_RELEASED] = "released",
    };

    return names[outcome];
}
