/* caller.h - who is calling, as a verified token says. */
#ifndef UNICHAT_IDENTITY_CALLER_H
#define UNICHAT_IDENTITY_CALLER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef enum caller_role { CALLER_PLAYER, CALLER_STAFF } caller_role;

typedef struct caller {
    caller_role role;
    char *sub;          /* the player's or staff member's id */
    char *name;         /* "" when the token has none */
    int64_t expires_at; /* Unix time */
    int64_t issued_at;  /* 0: the token does not say */
    uint64_t key;       /* the id of the key that has signed it; see keys.h */
} caller;

/* "player" or "staff". */
const char *caller_role_name(caller_role role);
bool caller_role_parse(const char *name, caller_role *role);

/* The identity as one text, "player:ada": unique, also as a key. */
void caller_key(const caller *who, char *out, size_t size);

/* A caller with copies of the strings; name may be NULL. issued_at and key are 0. The caller of
 * this function frees with caller_free(). */
caller *caller_new(caller_role role, const char *sub, const char *name, int64_t expires_at)
    __attribute__((warn_unused_result));
caller *caller_copy(const caller *who) __attribute__((warn_unused_result));
void caller_free(caller *who);

/* Whether `who` (NULL: nobody) may read and write for this player. */
bool caller_may_act_for(const caller *who, const char *player_id);

#endif
