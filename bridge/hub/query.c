/* query.c - see query.h. What it shows is what is in the tables at this moment: reserved channels
 * and users' own are left out of lists. */
#include "hub/query.h"

#include "base/clock.h"
#include "hub/channel.h"
#include "hub/presence.h"

static void fill(const channel *c, hub_channel_info *info)
{
    uint64_t now = clock_monotonic_ms();

    info->name = c->name;
    info->subscription_count = c->n_subs;
    info->user_count = presence_count(c);
    if (c->cache && c->cache->frame) {
        uint64_t due = c->cache->expiry.due;

        info->cache_data = c->cache->data;
        info->cache_ttl = due > now ? (unsigned)((due - now) / 1000) : 0;
    }
}

bool hub_channel_get_info(const hub_app *app, const char *name, hub_channel_info *info)
{
    const channel *c = channel_find(app, name);

    *info = (hub_channel_info){.name = name};
    if (c)
        fill(c, info);
    return c != NULL;
}

void hub_list_channels(const hub_app *app, void (*each)(void *arg, const hub_channel_info *info),
                       void *arg)
{
    const channel *c;
    size_t at = 0;

    while ((c = map_next(&app->channels, &at))) {
        hub_channel_info info = {0};

        if (c->n_subs == 0 || c->reserved || c->type.kind == CHANNEL_USER)
            continue;
        fill(c, &info);
        each(arg, &info);
    }
}

void hub_list_members(const hub_app *app, const char *name,
                      void (*each)(void *arg, const char *user_id), void *arg)
{
    const channel *c = channel_find(app, name);

    for (const member *m = c ? c->members : NULL; m; m = m->hh.next)
        each(arg, m->id);
}

bool hub_is_reserved(const hub_app *app, const char *name)
{
    return app_is_reserved(app, name);
}
