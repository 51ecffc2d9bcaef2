/* position.c - see position.h.
 *
 * A position goes out with every event, so it must not grow with the number of transactions that
 * run. A snapshot xmin:xmax:xip,… is shortened by ending it before one of its running transactions:
 * with xmax = xip[n] and xip[0 … n-1] it sees less than it did, which repeats more and misses
 * nothing.
 */
#include "delivery/position.h"
#include "base/mem.h"
#include "base/text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNNING_MAX 20
#define TEXT_MAX 4096 /* of what a client sends */

/* The first RUNNING_MAX of the list, and in *rest the one behind them; NULL when there are no more.
 */
static const char *cut_running(const char *list, size_t *len)
{
    const char *at = list;
    for (int i = 0; i < RUNNING_MAX; i++) {
        at = strchr(at, ',');
        if (!at) {
            *len = strlen(list);
            return NULL;
        }
        at++;
    }
    *len = (size_t)(at - 1 - list);
    return at;
}

static char *shortened(const char *text)
{
    const char *xmax = strchr(text, ':') + 1;
    const char *running = strchr(xmax, ':') + 1;
    size_t len;
    const char *rest = cut_running(running, &len);
    if (!rest)
        return mem_strdup(text);
    return mem_printf("%.*s%.*s:%.*s", (int)(xmax - text), text, (int)strcspn(rest, ","), rest,
                      (int)len, running);
}

char *position_encode(const char *epoch, const snapshot *s)
{
    char *short_text = shortened(snapshot_text(s));
    char *plain = mem_printf("1 %s %s", epoch, short_text);
    char *encoded = text_base64url(plain, strlen(plain));
    free(short_text);
    free(plain);
    return encoded;
}

/* "1 EPOCH SNAPSHOT" */
static bool split(char *plain, position *p)
{
    char *epoch = strncmp(plain, "1 ", 2) == 0 ? plain + 2 : NULL;
    char *blank = epoch ? strchr(epoch, ' ') : NULL;
    if (!blank)
        return false;
    *blank = '\0';
    p->snapshot = snapshot_parse(blank + 1);
    if (!p->snapshot)
        return false;
    p->epoch = mem_strdup(epoch);
    return true;
}

bool position_decode(const char *text, position *p)
{
    unsigned char *plain;
    size_t len;
    *p = (position){0};
    if (strlen(text) > TEXT_MAX || !text_unbase64(text, strlen(text), &plain, &len))
        return false;
    bool good = strlen((char *)plain) == len && split((char *)plain, p);
    free(plain);
    return good;
}

void position_clear(position *p)
{
    free(p->epoch);
    snapshot_free(p->snapshot);
    *p = (position){0};
}
