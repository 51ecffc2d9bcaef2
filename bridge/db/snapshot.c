/* snapshot.c - see snapshot.h. */
#include "db/snapshot.h"
#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct snapshot {
    char *text;
    uint64_t xmin, xmax;
    uint64_t *running; /* ascending */
    size_t running_count;
};

/* Reads digits up to `end`, and moves behind it. */
static bool take_xid(const char **at, char end, uint64_t *xid)
{
    if (!isdigit((unsigned char)**at))
        return false;
    char *stop;
    errno = 0;
    *xid = strtoull(*at, &stop, 10);
    if (errno != 0 || *stop != end)
        return false;
    *at = stop + (end != '\0');
    return true;
}

bool snapshot_parse_xid(const char *text, uint64_t *xid)
{
    return text && take_xid(&text, '\0', xid);
}

static bool parse_running(snapshot *s, const char *at)
{
    size_t commas = 0;
    for (const char *c = at; *c != '\0'; c++)
        commas += *c == ',';
    s->running = mem_array(commas + 1, sizeof(s->running[0]));
    while (*at != '\0') {
        uint64_t xid;
        bool last = !strchr(at, ',');
        if (!take_xid(&at, last ? '\0' : ',', &xid) || (!last && *at == '\0'))
            return false;
        if (xid < s->xmin || xid >= s->xmax)
            return false;
        if (s->running_count > 0 && s->running[s->running_count - 1] >= xid)
            return false;
        s->running[s->running_count++] = xid;
        if (last)
            break;
    }
    return true;
}

snapshot *snapshot_parse(const char *text)
{
    snapshot *s = mem_new(snapshot);
    const char *at = text;
    s->text = mem_strdup(text);
    if (text && take_xid(&at, ':', &s->xmin) && take_xid(&at, ':', &s->xmax) && s->xmin > 0 &&
        s->xmin <= s->xmax && parse_running(s, at))
        return s;
    snapshot_free(s);
    return NULL;
}

static void write_text(snapshot *s)
{
    buf text = {0};
    buf_printf(&text, "%llu:%llu:", (unsigned long long)s->xmin, (unsigned long long)s->xmax);
    for (size_t i = 0; i < s->running_count; i++)
        buf_printf(&text, "%s%llu", i == 0 ? "" : ",", (unsigned long long)s->running[i]);
    free(s->text);
    s->text = buf_take(&text);
}

void snapshot_lower(snapshot *s, uint64_t xmax)
{
    if (xmax >= s->xmax)
        return;
    s->xmax = xmax;
    if (s->xmin > xmax)
        s->xmin = xmax;
    while (s->running_count > 0 && s->running[s->running_count - 1] >= xmax)
        s->running_count--;
    write_text(s);
}

void snapshot_lower_behind(snapshot *s, const char *xid_text)
{
    uint64_t xid = 0;
    if (!xid_text || *xid_text == '\0' || snapshot_parse_xid(xid_text, &xid))
        snapshot_lower(s, xid + 1);
}

void snapshot_free(snapshot *s)
{
    if (!s)
        return;
    free(s->text);
    free(s->running);
    free(s);
}

static int compare_xids(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

bool snapshot_sees(const snapshot *s, uint64_t xid)
{
    if (xid < s->xmin)
        return true;
    if (xid >= s->xmax)
        return false;
    return !bsearch(&xid, s->running, s->running_count, sizeof(xid), compare_xids);
}

bool snapshot_covers(const snapshot *s, const snapshot *other)
{
    if (s->xmax < other->xmax)
        return false;
    for (size_t i = 0; i < s->running_count; i++)
        if (snapshot_sees(other, s->running[i]))
            return false;
    return true;
}

const char *snapshot_text(const snapshot *s)
{
    return s->text;
}

uint64_t snapshot_xmax(const snapshot *s)
{
    return s->xmax;
}
