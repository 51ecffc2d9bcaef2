/* caller.c - see caller.h. */
#include "identity/caller.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *caller_role_name(caller_role role)
{
    return role == CALLER_STAFF ? "staff" : "player";
}

bool caller_role_parse(const char *name, caller_role *role)
{
    bool staff = strcmp(name, "staff") == 0;
    *role = staff ? CALLER_STAFF : CALLER_PLAYER;
    return staff || strcmp(name, "player") == 0;
}

void caller_key(const caller *who, char *out, size_t size)
{
    snprintf(out, size, "%s:%s", caller_role_name(who->role), who->sub);
}

caller *caller_new(caller_role role, const char *sub, const char *name, int64_t expires_at)
{
    caller *who = mem_new(caller);
    who->role = role;
    who->sub = mem_strdup(sub);
    who->name = mem_strdup(name ? name : "");
    who->expires_at = expires_at;
    return who;
}

caller *caller_copy(const caller *who)
{
    caller *copy = caller_new(who->role, who->sub, who->name, who->expires_at);
    copy->issued_at = who->issued_at;
    copy->key = who->key;
    return copy;
}

void caller_free(caller *who)
{
    if (!who)
        return;
    free(who->sub);
    free(who->name);
    free(who);
}

bool caller_may_act_for(const caller *who, const char *player_id)
{
    return who && (who->role == CALLER_STAFF || strcmp(who->sub, player_id) == 0);
}
