/* revocation.c - see revocation.h. */
#include "identity/revocation.h"
#include "base/hash_table.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

typedef struct revocation {
    UT_hash_handle hh;
    int64_t until;
    char identity[]; /* role, a slash, sub */
} revocation;

struct revocations {
    revocation *by_identity;
};

static char *identity_of(caller_role role, const char *sub)
{
    return mem_printf("%s/%s", caller_role_name(role), sub);
}

static revocation *find(const revocations *list, const char *identity)
{
    revocation *found;
    HASH_FIND_STR(list->by_identity, identity, found);
    return found;
}

revocations *revocations_new(void)
{
    return mem_new(revocations);
}

void revocations_free(revocations *list)
{
    revocation *it, *next;
    HASH_ITER (hh, list->by_identity, it, next) {
        HASH_DEL(list->by_identity, it);
        free(it);
    }
    free(list);
}

bool revocations_add(revocations *list, caller_role role, const char *sub, int64_t until)
{
    char *identity = identity_of(role, sub);
    revocation *it = find(list, identity);
    bool news = !it || until > it->until;
    if (!it) {
        it = mem_alloc(sizeof(*it) + strlen(identity) + 1);
        strcpy(it->identity, identity);
        HASH_ADD_STR(list->by_identity, identity, it);
    }
    if (news)
        it->until = until;
    free(identity);
    return news;
}

bool revocations_cover(const revocations *list, const caller *who, int64_t leeway)
{
    if (!list->by_identity)
        return false;
    char *identity = identity_of(who->role, who->sub);
    const revocation *it = find(list, identity);
    free(identity);
    return it && (it->until > INT64_MAX - leeway || who->issued_at <= it->until + leeway);
}

size_t revocations_count(const revocations *list)
{
    return HASH_COUNT(list->by_identity);
}
