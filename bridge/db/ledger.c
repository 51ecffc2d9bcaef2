/* ledger.c - see ledger.h.
 *
 * Both sets are maps over (player, seq); the suspects are in a list too, the oldest first. `ahead`
 * grows with the notifications since S and is cleared by ledger_advance(), so its size is the
 * traffic of an audit interval or two.
 *
 * What a difference has is marked with its number, so there is nothing to clear before the next.
 */
#include "db/ledger.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

typedef struct entry {
    int64_t seq;
    uint64_t xid;
    uint64_t at;               /* ahead */
    uint64_t found;            /* ahead: the difference that had it last */
    uint64_t since_ms;         /* suspects */
    bool by_worker;            /* suspects */
    struct entry *prev, *next; /* suspects */
    char player[];
} entry;

struct ledger {
    snapshot *snapshot;
    map ahead;
    map suspects;
    map pruned;    /* players, with seq 0: the difference says that events of theirs are gone */
    entry *oldest; /* suspect */
    uint64_t difference; /* counts them */
};

typedef struct entry_key {
    uint64_t hash;
    int64_t seq;
    const char *player;
    size_t player_len;
} entry_key;

/* The events of one player differ by multiples of an odd number, which spreads them. */
static entry_key key_of(const char *player, int64_t seq)
{
    size_t len = strlen(player);
    uint64_t hash = map_hash(player, len) + (uint64_t)seq * UINT64_C(0x9e3779b97f4a7c15);
    return (entry_key){hash, seq, player, len};
}

static bool has_key(const void *item, const void *key)
{
    const entry *e = item;
    const entry_key *k = key;
    return e->seq == k->seq && strcmp(e->player, k->player) == 0;
}

static entry *find(const map *set, const entry_key *key)
{
    return map_find(set, key->hash, has_key, key);
}

static entry *add(map *set, const entry_key *key)
{
    entry *e = mem_raw(sizeof(*e) + key->player_len + 1);
    *e = (entry){.seq = key->seq};
    memcpy(e->player, key->player, key->player_len + 1);
    map_add(set, key->hash, e);
    return e;
}

static void drop_suspect(ledger *l, entry *e)
{
    map_remove(&l->suspects, key_of(e->player, e->seq).hash, e);
    DL_DELETE(l->oldest, e);
    free(e);
}

ledger *ledger_new(void)
{
    return mem_new(ledger);
}

void ledger_free(ledger *l)
{
    if (!l)
        return;
    ledger_reset(l);
    free(l);
}

static bool drop_all(void *arg, void *item)
{
    (void)arg;
    free(item);
    return true;
}

void ledger_reset(ledger *l)
{
    map_filter(&l->ahead, drop_all, NULL);
    map_filter(&l->suspects, drop_all, NULL);
    map_filter(&l->pruned, drop_all, NULL);
    l->oldest = NULL;
    snapshot_free(l->snapshot);
    l->snapshot = NULL;
}

const snapshot *ledger_snapshot(const ledger *l)
{
    return l->snapshot;
}

/* ---- accepting ---- */

/* A crash may give a player's seq out again with the very same xid, but not at the same time. */
static bool is_same(const entry *known, const ledger_event *e)
{
    return known->xid == e->xid && (known->at == e->at || known->at == 0 || e->at == 0);
}

static ledger_verdict compare(const entry *known, const ledger_event *e)
{
    return is_same(known, e) ? LEDGER_KNOWN : LEDGER_OTHER;
}

static entry *add_ahead(ledger *l, const entry_key *key, uint64_t xid, uint64_t at)
{
    entry *e = add(&l->ahead, key);
    e->xid = xid;
    e->at = at;
    return e;
}

/* S has seen it, so what was not a suspect was accepted. */
static ledger_verdict judge_seen(ledger *l, entry *suspect)
{
    if (!suspect)
        return LEDGER_KNOWN;
    drop_suspect(l, suspect);
    return LEDGER_NEW;
}

ledger_verdict ledger_notified(ledger *l, const ledger_event *e)
{
    entry_key key = key_of(e->player, e->seq);
    entry *suspect = find(&l->suspects, &key), *known;
    if (snapshot_sees(l->snapshot, e->xid))
        return judge_seen(l, suspect);
    known = find(&l->ahead, &key);
    if (known)
        return compare(known, e);
    if (suspect)
        drop_suspect(l, suspect);
    add_ahead(l, &key, e->xid, e->at);
    return LEDGER_NEW;
}

/* ---- differences ---- */

void ledger_begin_difference(ledger *l)
{
    l->difference++;
    map_filter(&l->pruned, drop_all, NULL);
}

ledger_verdict ledger_caught_up(ledger *l, const ledger_event *e)
{
    entry_key key = key_of(e->player, e->seq);
    entry *known = find(&l->ahead, &key);
    ledger_verdict verdict = known ? compare(known, e) : LEDGER_NEW;
    if (!known)
        known = add_ahead(l, &key, e->xid, e->at);
    known->found = l->difference;
    return verdict;
}

ledger_verdict ledger_audited(ledger *l, const ledger_event *e, bool by_worker, uint64_t since_ms)
{
    entry_key key = key_of(e->player, e->seq);
    entry *known = find(&l->ahead, &key), *suspect;
    if (known) {
        known->found = l->difference;
        return compare(known, e);
    }
    suspect = find(&l->suspects, &key);
    if (suspect)
        return compare(suspect, e);
    suspect = add(&l->suspects, &key);
    suspect->xid = e->xid;
    suspect->since_ms = since_ms;
    suspect->by_worker = by_worker;
    DL_APPEND(l->oldest, suspect);
    return LEDGER_NEW;
}

void ledger_pruned(ledger *l, const char *player)
{
    entry_key key = key_of(player, 0);
    if (!find(&l->pruned, &key))
        add(&l->pruned, &key);
}

static bool is_pruned(const ledger *l, const entry *e)
{
    entry_key key = key_of(e->player, 0);
    return find(&l->pruned, &key);
}

/* What was pruned is not looked for in later differences either. */
bool ledger_fits(ledger *l, const snapshot *newer)
{
    size_t at = 0;
    entry *e;
    while ((e = map_next(&l->ahead, &at))) {
        if (e->found == l->difference || e->found == UINT64_MAX || !snapshot_sees(newer, e->xid))
            continue;
        if (!is_pruned(l, e))
            return false;
        e->found = UINT64_MAX;
    }
    return true;
}

static bool drop_seen(void *newer, void *item)
{
    entry *e = item;
    bool seen = snapshot_sees(newer, e->xid);
    if (seen)
        free(e);
    return seen;
}

void ledger_advance(ledger *l, snapshot *newer)
{
    map_filter(&l->ahead, drop_seen, newer);
    snapshot_free(l->snapshot);
    l->snapshot = newer;
}

/* ---- suspects ---- */

void ledger_postpone(ledger *l, const snapshot *told, uint64_t since_ms)
{
    entry *last = l->oldest ? l->oldest->prev : NULL, *next;
    for (entry *e = l->oldest; e; e = next) {
        next = e == last ? NULL : e->next;
        if (!e->by_worker || snapshot_sees(told, e->xid))
            continue;
        e->since_ms = since_ms;
        DL_DELETE(l->oldest, e);
        DL_APPEND(l->oldest, e);
    }
}

bool ledger_take_suspect(ledger *l, uint64_t since_ms, char **player, int64_t *seq)
{
    entry *e = l->oldest;
    if (!e || e->since_ms > since_ms)
        return false;
    *seq = e->seq;
    *player = mem_strdup(e->player);
    if (!snapshot_sees(l->snapshot, e->xid)) {
        entry_key key = key_of(e->player, e->seq);
        add_ahead(l, &key, e->xid, 0);
    }
    drop_suspect(l, e);
    return true;
}

size_t ledger_ahead_count(const ledger *l)
{
    return l->ahead.count;
}

size_t ledger_suspect_count(const ledger *l)
{
    return l->suspects.count;
}
