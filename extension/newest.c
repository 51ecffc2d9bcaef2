/*-------------------------------------------------------------------------
 *
 * newest.c
 *	  Where a transaction finds the rows that it has changed itself.
 *
 * An UPDATE that finds its row by an index looks at every version that its own
 * transaction has made of the row, because none of them can be pruned before
 * commit.  A COPY of n messages of one player would look at n * n / 2 versions.
 * So the place of the newest one is kept, and the next statement goes there.
 *
 * A place is a hint.  The statement that uses it checks that the row is the one
 * meant; if not (another statement has changed it, or a savepoint was rolled
 * back), it finds nothing, and the caller looks by the index.
 *
 * The table is direct-mapped: a collision costs a look by the index, as does
 * forgetting.  An entry is of one transaction, by its xid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "common/hashfn.h"

#include "newest.h"

#define SLOTS 256

typedef struct slot
{
	TransactionId xid;
	uint32		hash;
	ItemPointerData places[NEWEST_ROWS];
} slot;

static slot slots[SLOTS];

static uint32
hash_of(const char *player_id)
{
	return hash_bytes((const unsigned char *) player_id, strlen(player_id));
}

ItemPointer
newest_find(newest_row which, const char *player_id)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	uint32		hash;
	slot	   *s;

	if (!TransactionIdIsValid(xid))
		return NULL;
	hash = hash_of(player_id);
	s = &slots[hash % SLOTS];
	if (s->xid != xid || s->hash != hash || !ItemPointerIsValid(&s->places[which]))
		return NULL;
	return &s->places[which];
}

void
newest_keep(newest_row which, const char *player_id, ItemPointer place)
{
	TransactionId xid = GetTopTransactionIdIfAny();
	uint32		hash = hash_of(player_id);
	slot	   *s = &slots[hash % SLOTS];

	if (s->xid != xid || s->hash != hash)
	{
		s->xid = xid;
		s->hash = hash;
		for (int i = 0; i < NEWEST_ROWS; i++)
			ItemPointerSetInvalid(&s->places[i]);
	}
	s->places[which] = *place;
}
