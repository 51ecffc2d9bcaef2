/*
 * presence.h - the members of presence channels: users, each with as many connections as he likes;
 * for the files of hub/.
 *
 * A member is there from his first connection to his last: `refs` counts the subscriptions. Users
 * are compared by the string of their id; its JSON type is passed through.
 */
#ifndef UNICHAT_HUB_PRESENCE_H
#define UNICHAT_HUB_PRESENCE_H

#include "base/hash_table.h"
#include "hub/channel.h"

struct member {
    UT_hash_handle hh; /* in channel.members */
    unsigned refs;
    char *id;
    char *id_json; /* the id as it was written: "42" or 42 */
    char *info_json;
};

/*
 * Reads channel_data, or without it what the connection signed in with. On success a member that is
 * in no channel yet. On error NULL, and *type, *why, *status are for pusher:subscription_error.
 */
member *presence_member_parse(const hub_conn *conn, const channel *c, const char *channel_data,
                              const char **type, const char **why, int *status);

void presence_member_free(member *m);

/* Makes the subscription one of this user's, taking over `m`. The others are told when it is his
 * first. */
void presence_join(subscription *sub, member *m);

/* Before the subscription is removed. The others are told when it was his last; returns that
 * member, which the caller frees after the announcement with presence_announce_leave(). */
member *presence_leave(subscription *sub);
void presence_announce_leave(channel *c, member *m);

unsigned presence_count(const channel *c);

/* Appends {"presence":{"ids":[…],"hash":{…},"count":n}}. */
void presence_roster(const channel *c, buf *out);

#endif
