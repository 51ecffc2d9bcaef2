/*-------------------------------------------------------------------------
 *
 * chain.c
 *	  The hash chain over a player's events, which makes tampering evident.
 *
 *		chat_messages.salt = random
 *		chat_events.message_digest = SHA-256(columns of the message, salt too)
 *		chat_events.hash = SHA-256(hash of the event before, columns of the event, message_digest)
 *
 * 1. Who changes, removes, adds or moves an event, or changes a message, has to
 *	  compute every later hash anew.  So the newest hash, noted elsewhere,
 *	  vouches for all of the history; verify.c looks.
 * 2. Erasing deletes the message with its salt, and changes no event.  What is
 *	  left is a digest that nobody can try texts on.
 * 3. Pruning writes down the last hash of what it removes, in an event of its
 *	  own, which is part of the chain (retention.c).
 * 4. Not covered are xid and notified: they are about delivery, and a restore
 *	  changes xid.
 *
 * 5. With unichat.chain off nothing is hashed; when it is on again, the next
 *	  event begins a chain anew.
 *
 * Each value is covered as its length in four bytes and then itself: numbers
 * and times in eight bytes, texts in UTF-8, jsonb as text; null is the length
 * 2^32 - 1.  So a dump verifies whatever machine, encoding or version of
 * PostgreSQL it is restored to.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "catalog/pg_type.h"
#include "common/sha2.h"
#include "lib/stringinfo.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"

#include "chain.h"

#define SALT_BYTES 16
#define SALT_POOL 64

/* Of CHAIN_EVENT_COLUMNS and CHAIN_MESSAGE_COLUMNS. */
static const Oid event_types[CHAIN_EVENT_NATTS] = {CHAIN_EVENT_TYPES};
static const Oid message_types[CHAIN_MESSAGE_NATTS] = {
	INT8OID, INT8OID, TEXTOID, INT8OID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TEXTOID, BYTEAOID
};

static bool chain_on = true;

bool
chain_is_on(void)
{
	return chain_on;
}

static bytea *
make_bytea(int len)
{
	bytea	   *b = palloc(VARHDRSZ + len);

	SET_VARSIZE(b, VARHDRSZ + len);
	return b;
}

/* Taken from the system's generator many at a time, which costs as much as one. */
bytea *
chain_salt(void)
{
	static char pool[SALT_POOL][SALT_BYTES];
	static int	used = SALT_POOL;
	bytea	   *salt;

	if (!chain_on)
		return NULL;
	salt = make_bytea(SALT_BYTES);
	if (used == SALT_POOL)
	{
		if (!pg_strong_random(pool, sizeof(pool)))
			ereport(ERROR,
					(errcode(ERRCODE_INTERNAL_ERROR),
					 errmsg("could not generate random values")));
		used = 0;
	}
	memcpy(VARDATA(salt), pool[used], SALT_BYTES);
	explicit_bzero(pool[used++], SALT_BYTES);
	return salt;
}

static void
cover_bytes(StringInfo buf, const char *bytes, int len)
{
	pq_sendint32(buf, len);
	appendBinaryStringInfo(buf, bytes, len);
}

static void
cover_text(StringInfo buf, const char *text, int len)
{
	char	   *utf8 = pg_server_to_any(text, len, PG_UTF8);

	cover_bytes(buf, utf8, utf8 == text ? len : strlen(utf8));
}

static void
cover(StringInfo covered, Oid type, Datum value, bool isnull)
{
	if (isnull)
		pq_sendint32(covered, PG_UINT32_MAX);
	else if (type == INT8OID || type == TIMESTAMPTZOID)
	{
		pq_sendint32(covered, sizeof(int64));
		pq_sendint64(covered, DatumGetInt64(value));
	}
	else if (type == JSONBOID)
	{
		Jsonb	   *json = DatumGetJsonbP(value);
		char	   *text = JsonbToCString(NULL, &json->root, VARSIZE(json));

		cover_text(covered, text, strlen(text));
	}
	else
	{
		struct varlena *bytes = PG_DETOAST_DATUM_PACKED(value);

		Assert(type == TEXTOID || type == BYTEAOID);
		(type == TEXTOID ? cover_text : cover_bytes) (covered, VARDATA_ANY(bytes), VARSIZE_ANY_EXHDR(bytes));
	}
}

/*
 * By OpenSSL itself, with one context for as long as the process lives.
 * PostgreSQL's common/cryptohash.h has one made, and the algorithm looked up, for
 * each hash, which costs more than what is hashed here.
 */
static bool
compute_sha256(const StringInfo covered, unsigned char *hash)
{
	static EVP_MD *algorithm = NULL;
	static EVP_MD_CTX *context = NULL;

	if (algorithm == NULL)
		algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
	if (context == NULL)
		context = EVP_MD_CTX_new();
	return algorithm != NULL && context != NULL &&
		EVP_DigestInit_ex(context, algorithm, NULL) == 1 &&
		EVP_DigestUpdate(context, covered->data, covered->len) == 1 &&
		EVP_DigestFinal_ex(context, hash, NULL) == 1;
}

static bytea *
sha256(const StringInfo covered)
{
	bytea	   *hash = make_bytea(PG_SHA256_DIGEST_LENGTH);

	if (!compute_sha256(covered, (unsigned char *) VARDATA(hash)))
		ereport(ERROR,
				(errcode(ERRCODE_INTERNAL_ERROR),
				 errmsg("could not compute a SHA-256 hash")));
	return hash;
}

static bytea *
hash_of(StringInfo covered, const Oid *types, const arguments *columns)
{
	bytea	   *hash;

	for (int i = 0; i < columns->n; i++)
		cover(covered, types[i], columns->values[i], columns->nulls[i] == 'n');
	hash = sha256(covered);
	pfree(covered->data);
	return hash;
}

bytea *
chain_message_digest(const arguments *columns)
{
	StringInfoData covered;

	Assert(columns->n == CHAIN_MESSAGE_NATTS);
	initStringInfo(&covered);
	return hash_of(&covered, message_types, columns);
}

bytea *
chain_event_hash(const bytea *previous, const arguments *columns)
{
	StringInfoData covered;

	Assert(columns->n == CHAIN_EVENT_NATTS);
	initStringInfo(&covered);
	cover(&covered, BYTEAOID, PointerGetDatum(previous), previous == NULL);
	return hash_of(&covered, event_types, columns);
}

bool
chain_same(const bytea *a, const bytea *b)
{
	return a != NULL && b != NULL && VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

void
chain_init(void)
{
	DefineCustomBoolVariable("unichat.chain",
							 "Hashes events into a chain, so that unichat_verify can find what was tampered with.",
							 NULL, &chain_on, true, PGC_SUSET, 0, NULL, NULL, NULL);
}
