/* ledger.c - see ledger.h.
 *
 * Both sets are hash tables over (seq, player). `ahead` grows with the notifications since S and is
 * cleared by ledger_advance(), so its size is the traffic of one audit interval.
 */
#include "db/ledger.h"
#include "base/mem.h"
#include "base/table.h"

#include <stdlib.h>
#include <string.h>

typedef struct entry {
    UT_hash_handle hh;
    uint64_t xid;      /* ahead */
    uint64_t since_ms; /* suspects */
    unsigned key_len;
    char key[]; /* seq, then the player's id */
} entry;

struct ledger {
    snapshot *snapshot;
    entry *ahead;
    entry *suspects;
};

static entry *entry_new(const char *player, int64_t seq)
{
    size_t len = strlen(player);
    entry *e = mem_alloc(sizeof *e + sizeof seq + len + 1);
    memcpy(e->key, &seq, sizeof seq);
    memcpy(e->key + sizeof seq, player, len);
    e->key_len = (unsigned)(sizeof seq + len);
    return e;
}

static void add(entry **set, entry *e)
{
    HASH_ADD_KEYPTR(hh, *set, e->key, e->key_len, e);
}

static void drop(entry **set, entry *e)
{
    HASH_DELETE(hh, *set, e);
    free(e);
}

/* Removes (player, seq) from the set; whether it was there. */
static bool take(entry **set, const char *player, int64_t seq)
{
    entry *probe = entry_new(player, seq), *found;
    HASH_FIND(hh, *set, probe->key, probe->key_len, found);
    free(probe);
    if (found == NULL)
        return false;
    drop(set, found);
    return true;
}

static bool contains(entry *set, const char *player, int64_t seq)
{
    entry *probe = entry_new(player, seq), *found;
    HASH_FIND(hh, set, probe->key, probe->key_len, found);
    free(probe);
    return found != NULL;
}

static void clear(entry **set)
{
    entry *e, *tmp;
    HASH_ITER (hh, *set, e, tmp)
        drop(set, e);
}

ledger *ledger_new(void)
{
    return mem_new(ledger);
}

void ledger_free(ledger *l)
{
    if (l == NULL)
        return;
    ledger_reset(l);
    free(l);
}

void ledger_reset(ledger *l)
{
    clear(&l->ahead);
    clear(&l->suspects);
    snapshot_free(l->snapshot);
    l->snapshot = NULL;
}

const snapshot *ledger_snapshot(const ledger *l)
{
    return l->snapshot;
}

static bool add_ahead(ledger *l, const char *player, int64_t seq, uint64_t xid)
{
    entry *e = entry_new(player, seq), *found;
    unsigned hash;
    HASH_VALUE(e->key, e->key_len, hash);
    HASH_FIND_BYHASHVALUE(hh, l->ahead, e->key, e->key_len, hash, found);
    if (found != NULL) {
        free(e);
        return false;
    }
    e->xid = xid;
    HASH_ADD_KEYPTR_BYHASHVALUE(hh, l->ahead, e->key, e->key_len, hash, e);
    return true;
}

bool ledger_notified(ledger *l, const char *player, int64_t seq, uint64_t xid)
{
    if (snapshot_sees(l->snapshot, xid))
        return take(&l->suspects, player, seq);
    return add_ahead(l, player, seq, xid);
}

bool ledger_caught_up(ledger *l, const char *player, int64_t seq, uint64_t xid)
{
    return add_ahead(l, player, seq, xid);
}

void ledger_audited(ledger *l, const char *player, int64_t seq, uint64_t now_ms)
{
    if (contains(l->ahead, player, seq) || contains(l->suspects, player, seq))
        return;
    entry *e = entry_new(player, seq);
    e->since_ms = now_ms;
    add(&l->suspects, e);
}

void ledger_advance(ledger *l, snapshot *newer)
{
    entry *e, *tmp;
    HASH_ITER (hh, l->ahead, e, tmp)
        if (snapshot_sees(newer, e->xid))
            drop(&l->ahead, e);
    snapshot_free(l->snapshot);
    l->snapshot = newer;
}

bool ledger_take_suspect(ledger *l, uint64_t since_ms, char **player, int64_t *seq)
{
    /* The table iterates in the order of insertion, so the first is the oldest. */
    entry *e = l->suspects;
    if (e == NULL || e->since_ms > since_ms)
        return false;
    memcpy(seq, e->key, sizeof *seq);
    *player = mem_strndup(e->key + sizeof *seq, e->key_len - sizeof *seq);
    drop(&l->suspects, e);
    return true;
}

size_t ledger_ahead_count(const ledger *l)
{
    return HASH_COUNT(l->ahead);
}

size_t ledger_suspect_count(const ledger *l)
{
    return HASH_COUNT(l->suspects);
}
