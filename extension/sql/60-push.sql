/*
 * 60-push.sql: the queue of push notifications.
 *
 * A row is written by the trigger that creates a request, in the same transaction: a push is owed if and only if the
 * chat exists. The bridge claims rows, talks to the provider outside of any transaction, and reports what came of it.
 *
 *                   claim                     result
 *     pending ----------------> sending ----------------> sent | no_recipients | failed
 *        ^  |                      |  \-- gave up ------> dead
 *        |  \-- chat was taken --> superseded
 *        \---- try again, or the lease ran out
 *
 * Invariants
 *  1. idempotency_key is made with the row, before the first attempt, and never changes: whatever happens between a
 *     claim and its result, the provider sees the same key again and sends once.
 *  2. attempts only grows. It is the fencing token: a result that names an older attempt than the row's comes from a
 *     bridge whose lease ran out, and is ignored unless it says that the push was sent, which stays true.
 *  3. A row leaves `sending` only by its result, or by a claim after its lease ran out.
 *  4. sent, no_recipients, failed, dead and superseded are final.
 *
 * How the functions find the tables when the schema is renamed: those with an SQL body are parsed once, here, and hold
 * on to the tables themselves; unichat_push_claim and unichat_push_result look the extension's schema up and set
 * search_path for the rest of their own call, with which the helpers of a claim run too. pg_catalog comes first there, so a
 * name that fits it exactly is its; what fits by a polymorphic argument alone is written with its schema, or somebody who
 * can create functions in the extension's could offer a better match.
 */

CREATE TABLE @extschema@.push_notifications (
    id               bigserial PRIMARY KEY,
    request_id       bigint,
    player_id        text,
    kind             text NOT NULL DEFAULT 'new_chat' CHECK (kind IN ('new_chat', 'digest', 'resend')),
    urgency          text NOT NULL DEFAULT 'normal' CHECK (urgency IN ('low', 'normal', 'high', 'urgent')),
    title            text NOT NULL DEFAULT '',
    body             text NOT NULL DEFAULT '',
    data             jsonb NOT NULL DEFAULT '{}',
    state            text NOT NULL DEFAULT 'pending' CHECK (state IN
                         ('pending', 'sending', 'sent', 'no_recipients', 'failed', 'dead', 'superseded')),
    attempts         int NOT NULL DEFAULT 0,
    failures         int NOT NULL DEFAULT 0,
    first_failed_at  timestamptz,
    last_attempt_at  timestamptz,
    next_attempt_at  timestamptz NOT NULL DEFAULT now(),
    lease_until      timestamptz,
    idempotency_key  uuid NOT NULL DEFAULT gen_random_uuid(),
    provider         text,
    provider_id      text,
    http_status      int,
    last_error       text,
    told_by          bigint,
    created_at       timestamptz NOT NULL DEFAULT now(),
    sent_at          timestamptz,
    erased           boolean NOT NULL DEFAULT false,
    UNIQUE (request_id, kind),
    CHECK (kind = 'digest' OR (request_id IS NOT NULL AND player_id IS NOT NULL)),
    CHECK ((state = 'sending') = (lease_until IS NOT NULL))
);

-- As with what it is made of (10-tables.sql).
ALTER TABLE @extschema@.push_notifications ALTER title SET STATISTICS 0, ALTER body SET STATISTICS 0,
    ALTER data SET STATISTICS 0, ALTER last_error SET STATISTICS 0;

CREATE INDEX push_notifications_due ON @extschema@.push_notifications (next_attempt_at) WHERE state = 'pending';
CREATE INDEX push_notifications_leases ON @extschema@.push_notifications (lease_until) WHERE state = 'sending';
CREATE INDEX push_notifications_digests ON @extschema@.push_notifications (created_at) WHERE kind = 'digest';
CREATE INDEX push_notifications_dead ON @extschema@.push_notifications (id) WHERE state = 'dead';
CREATE INDEX push_notifications_volume ON @extschema@.push_notifications (last_attempt_at)
    WHERE last_attempt_at IS NOT NULL AND state IN ('pending', 'sending', 'sent');

SELECT pg_catalog.pg_extension_config_dump('@extschema@.push_notifications', '');
SELECT pg_catalog.pg_extension_config_dump('@extschema@.push_notifications_id_seq', '');

COMMENT ON TABLE @extschema@.push_notifications IS
    'durable queue of push notifications to the staff; one row for each new chat, written in the transaction that opens it';
COMMENT ON COLUMN @extschema@.push_notifications.kind IS
    'new_chat: one chat; digest: many chats in one push, when the allowed volume is used up; resend: asked for by hand';
COMMENT ON COLUMN @extschema@.push_notifications.request_id IS 'the chat; null in a digest, which is about many';
COMMENT ON COLUMN @extschema@.push_notifications.title IS 'the player''s name as the staff sees it; emptied by erasure';
COMMENT ON COLUMN @extschema@.push_notifications.body IS 'how the player''s message begins; emptied by erasure';
COMMENT ON COLUMN @extschema@.push_notifications.data IS 'further fields for the staff''s device, beside those the bridge adds';
COMMENT ON COLUMN @extschema@.push_notifications.attempts IS
    'how often the row was claimed; names the current attempt, so that the result of an older one is recognised';
COMMENT ON COLUMN @extschema@.push_notifications.failures IS
    'attempts that count towards giving up; a refused key or a bridge that shut down does not';
COMMENT ON COLUMN @extschema@.push_notifications.lease_until IS
    'while sending: when the attempt is taken for lost and the row may be claimed again';
COMMENT ON COLUMN @extschema@.push_notifications.idempotency_key IS
    'made once with the row and sent with every attempt, so that the provider sends at most once';
COMMENT ON COLUMN @extschema@.push_notifications.provider_id IS 'the provider''s own id of what it accepted';
COMMENT ON COLUMN @extschema@.push_notifications.last_error IS 'why the last attempt did not succeed, at most 1,000 characters';
COMMENT ON COLUMN @extschema@.push_notifications.told_by IS 'the digest that told of this chat';
COMMENT ON COLUMN @extschema@.push_notifications.erased IS
    'the player was erased: the row has no text, and is given none any more';

CREATE TABLE @extschema@.push_attempts (
    push_id      bigint NOT NULL REFERENCES @extschema@.push_notifications (id) ON DELETE CASCADE,
    attempt      int NOT NULL,
    claimed_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
    finished_at  timestamptz,
    outcome      text,
    http_status  int,
    error        text,
    PRIMARY KEY (push_id, attempt)
);

ALTER TABLE @extschema@.push_attempts ALTER error SET STATISTICS 0;

SELECT pg_catalog.pg_extension_config_dump('@extschema@.push_attempts', '');

COMMENT ON TABLE @extschema@.push_attempts IS 'every attempt to send a push notification and what came of it';
COMMENT ON COLUMN @extschema@.push_attempts.outcome IS
    'what the bridge reported, or "lost" when its lease ran out; null while the attempt is under way';

/*
 * Supersede what nobody has to be told any more, at most max_rows of it: the chat was taken, resolved or erased since.
 * Part of every claim, so that each attempt is preceded by a look at the request.
 */
CREATE FUNCTION @extschema@.unichat_push_supersede(max_rows int) RETURNS bigint
LANGUAGE sql
BEGIN ATOMIC
    WITH stale AS (
        SELECT p.id
          FROM @extschema@.push_notifications p
         WHERE p.state = 'pending' AND p.next_attempt_at <= clock_timestamp()
           AND CASE p.kind
               WHEN 'digest' THEN NOT EXISTS (SELECT FROM @extschema@.chat_requests r WHERE r.status = 'waiting')
               ELSE NOT EXISTS (SELECT FROM @extschema@.chat_requests r
                                 WHERE r.id = p.request_id AND r.status = 'waiting')
               END
         ORDER BY p.next_attempt_at
         LIMIT max_rows
           FOR UPDATE OF p SKIP LOCKED
    ), done AS (
        UPDATE @extschema@.push_notifications p
           SET state = 'superseded'
          FROM stale
         WHERE p.id = stale.id
        RETURNING 1
    )
    SELECT count(*) FROM done;
END;
COMMENT ON FUNCTION @extschema@.unichat_push_supersede(int) IS
    'takes from the queue what need not be sent any more: chats that are not waiting';

/*
 * Rows whose lease ran out go back to pending: the bridge that had them died, or hung. The lost attempt counts, so
 * that a row that kills its bridge each time ends as dead.
 */
CREATE FUNCTION @extschema@.unichat_push_reclaim(max_failures int) RETURNS void
LANGUAGE sql
BEGIN ATOMIC
    WITH lost AS (
        SELECT p.id
          FROM @extschema@.push_notifications p
         WHERE p.state = 'sending' AND p.lease_until < clock_timestamp()
           FOR UPDATE SKIP LOCKED
    ), back AS (
        UPDATE @extschema@.push_notifications p
           SET state = CASE WHEN p.failures + 1 >= max_failures THEN 'dead' ELSE 'pending' END,
               failures = p.failures + 1,
               first_failed_at = COALESCE(p.first_failed_at, p.last_attempt_at),
               next_attempt_at = clock_timestamp(),
               lease_until = NULL,
               last_error = 'the bridge did not report before its lease ran out'
          FROM lost
         WHERE p.id = lost.id
        RETURNING p.id, p.attempts
    )
    UPDATE @extschema@.push_attempts a
       SET outcome = 'lost', finished_at = clock_timestamp()
      FROM back
     WHERE a.push_id = back.id AND a.attempt = back.attempts AND a.outcome IS NULL;
END;
COMMENT ON FUNCTION @extschema@.unichat_push_reclaim(int) IS
    'returns to the queue what a bridge claimed and never reported on, after its lease';

/*
 * Those of the rows that are still pending, locked. What another transaction holds, such as an erasure, is left to it.
 */
CREATE FUNCTION @extschema@.unichat_push_lock(ids bigint[]) RETURNS bigint[]
LANGUAGE sql
BEGIN ATOMIC
    SELECT COALESCE(array_agg(taken.id ORDER BY taken.place), '{}')
      FROM (SELECT p.id, wanted.place
              FROM unnest(ids) WITH ORDINALITY AS wanted (id, place)
              JOIN @extschema@.push_notifications p ON p.id = wanted.id
             WHERE p.state = 'pending'
               FOR UPDATE OF p SKIP LOCKED) taken;
END;
COMMENT ON FUNCTION @extschema@.unichat_push_lock(bigint[]) IS 'locks what is pending among the given rows';

/*
 * One push for all the given chats: theirs are superseded and name it. A digest among them, left over from an earlier
 * try, is used again instead of a new one. NULL when there are none.
 */
CREATE FUNCTION @extschema@.unichat_push_digest(ids bigint[]) RETURNS bigint
LANGUAGE plpgsql AS $$
DECLARE
    digest bigint;
BEGIN
    SELECT p.id INTO digest
      FROM push_notifications p
     WHERE p.id = ANY (ids) AND p.kind = 'digest'
     LIMIT 1;
    IF digest IS NULL THEN
        INSERT INTO push_notifications AS p (kind, urgency)
        SELECT 'digest', first.urgency FROM push_notifications first WHERE first.id = ids[1]
        RETURNING p.id INTO digest;
    END IF;
    UPDATE push_notifications p
       SET state = 'superseded', told_by = digest
     WHERE p.id = ANY (ids) AND p.id <> digest;
    RETURN digest;
END
$$;
COMMENT ON FUNCTION @extschema@.unichat_push_digest(bigint[]) IS
    'replaces the given rows by one that tells of all waiting chats';

/*
 * What is to be sent now, as ids, within the volume that the provider allows.
 *
 * The provider switches an application off that delivers more than ten times its subscribers in fifteen minutes, so a
 * broadcast to the whole staff may happen ten times in that window. We allow ourselves volume_cap single pushes and one
 * more, which is always a digest:
 *
 *     free = volume_cap + 1 - (pushes that were or may have been delivered in the window)
 *     due <= free - 1   each goes by itself
 *     due >  free - 1   the most urgent free - 1 go by themselves, all others in one digest
 *     free = 0          all wait until the oldest push leaves the window; then a digest tells of them
 *
 * A digest that an earlier claim made and had no room for in its max_rows comes last, so that it is the digest again
 * and does not take the place of a single push. (By its age it might come first: created_at is when the claim began to
 * wait for its lock.)
 *
 * A row that was tried within the window holds its place: its next attempt repeats the same push and takes no new one.
 * The caller holds the claim lock, so that two bridges do not both see the same place free.
 */
CREATE FUNCTION @extschema@.unichat_push_select(max_rows int, volume_cap int, volume_window interval) RETURNS bigint[]
LANGUAGE plpgsql AS $$
DECLARE
    since    timestamptz := clock_timestamp() - volume_window;
    used     bigint;
    room_at  timestamptz;
    free     bigint;
    again    bigint[];
    fresh    bigint[];
    rest     bigint[];
BEGIN
    SELECT count(*), min(last_attempt_at) + volume_window INTO used, room_at
      FROM push_notifications
     WHERE last_attempt_at > since AND state IN ('pending', 'sending', 'sent');
    free := greatest(volume_cap + 1 - used, 0);

    SELECT pg_catalog.array_agg(id) FILTER (WHERE held), pg_catalog.array_agg(id) FILTER (WHERE NOT held)
      INTO again, fresh
      FROM (SELECT p.id, COALESCE(p.last_attempt_at > since, false) AS held
              FROM push_notifications p
             WHERE p.state = 'pending' AND p.next_attempt_at <= clock_timestamp()
             ORDER BY p.kind = 'digest', pg_catalog.array_position('{urgent,high,normal,low}'::text[], p.urgency), p.created_at, p.id) due;

    IF free = 0 THEN
        rest := unichat_push_lock(fresh);
        UPDATE push_notifications SET next_attempt_at = room_at WHERE id = ANY (rest);
        fresh := NULL;
    ELSIF pg_catalog.cardinality(fresh) > free - 1 THEN
        rest := unichat_push_lock(fresh[free:]);
        fresh := fresh[:free - 1] OPERATOR(pg_catalog.||) unichat_push_digest(rest);
    END IF;
    RETURN unichat_push_lock((COALESCE(again, '{}') OPERATOR(pg_catalog.||) fresh)[:max_rows]);
END
$$;
COMMENT ON FUNCTION @extschema@.unichat_push_select(int, int, interval) IS
    'the pushes that are due and may be sent now, within the allowed volume';

/*
 * Two bridges claim at once:
 *
 * The lock is of a table that is there for nothing else. An advisory lock anybody who is connected could take and keep.
 *
 *     bridge A                                bridge B
 *     lock, select rows 1..8, mark, commit
 *                                             waits for the lock (microseconds: no network I/O is done under it)
 *                                             sees rows 1..8 as sending: 8 places of the volume are taken
 *     POST 1..8                               selects others or nothing
 */
CREATE TABLE @extschema@.push_turn ();
COMMENT ON TABLE @extschema@.push_turn IS 'unichat: empty; its lock is held by the bridge whose turn it is to claim pushes';

CREATE FUNCTION @extschema@.unichat_push_claim(
    lease interval, max_rows int, volume_cap int DEFAULT 8, volume_window interval DEFAULT '15 minutes',
    max_failures int DEFAULT 8)
RETURNS TABLE (id bigint, attempt int, idempotency_key uuid, kind text, request_id bigint, player_id text,
               urgency text, title text, body text, data jsonb, failures int, waiting bigint, oldest_seconds bigint)
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
    max_stale CONSTANT int := 1000;
    chosen    bigint[];
BEGIN
    PERFORM set_config('search_path', 'pg_catalog, ' || extnamespace::regnamespace || ', pg_temp', true)
       FROM pg_extension WHERE extname = 'unichat';
    PERFORM unichat_check(lease > interval '0' AND lease <= interval '1 year', 'lease', 'It is longer than 0, at most 1 year.');
    PERFORM unichat_check(max_rows BETWEEN 1 AND 1000000, 'max_rows', 'It is 1 to 1000000.');
    PERFORM unichat_check(volume_cap BETWEEN 0 AND 1000000, 'volume_cap', 'It is 0 to 1000000.');
    PERFORM unichat_check(volume_window BETWEEN interval '0' AND interval '1 year', 'volume_window', 'It is not negative, at most 1 year.');
    PERFORM unichat_check(max_failures >= 1, 'max_failures', 'It is 1 or more.');
    LOCK TABLE push_turn IN EXCLUSIVE MODE;
    PERFORM unichat_push_reclaim(max_failures);
    IF unichat_push_supersede(max_stale) = max_stale THEN
        RETURN; /* there may be more; nothing is sent before all of it is gone */
    END IF;
    chosen := unichat_push_select(max_rows, volume_cap, volume_window);
    IF pg_catalog.cardinality(chosen) = 0 THEN
        RETURN;
    END IF;

    INSERT INTO push_attempts (push_id, attempt)
    SELECT p.id, p.attempts + 1 FROM push_notifications p WHERE p.id = ANY (chosen);

    RETURN QUERY
    WITH queue AS (
        SELECT count(*) AS waiting,
               EXTRACT(epoch FROM clock_timestamp() - min(COALESCE(r.waiting_since, r.created_at)))::bigint AS oldest
          FROM chat_requests r
         WHERE r.status = 'waiting'
    )
    UPDATE push_notifications p
       SET state = 'sending', attempts = p.attempts + 1, last_attempt_at = clock_timestamp(),
           lease_until = clock_timestamp() + lease
      FROM queue
     WHERE p.id = ANY (chosen)
    RETURNING p.id, p.attempts, p.idempotency_key, p.kind, p.request_id, p.player_id, p.urgency, p.title, p.body,
              p.data, p.failures, queue.waiting, queue.oldest;
END
$$;
COMMENT ON FUNCTION @extschema@.unichat_push_claim(interval, int, int, interval, int) IS
    'claims what is to be pushed now for the time of a lease; report each row with unichat_push_result';

/*
 * The one way out of `sending`. Returns the row's state after it, or null when the attempt is not the current one. What the
 * provider said is cut to 1,000 characters, and the pause that it asks for to 1000 years.
 *
 * outcome         the row becomes                          counts as a failure
 * sent            sent
 * no_recipients   no_recipients
 * failed          failed
 * retry           pending, due after retry_after; or dead  yes
 * refused         pending, due at once: the provider does  no
 *                 not accept this bridge's key
 * released        pending, due at once: given up by the     no
 *                 bridge itself, as when it shuts down
 */
CREATE FUNCTION @extschema@.unichat_push_result(
    id bigint, attempt int, outcome text, http_status int DEFAULT NULL, provider_id text DEFAULT NULL,
    error text DEFAULT NULL, retry_after interval DEFAULT '0', provider text DEFAULT NULL,
    max_failures int DEFAULT 8, max_age interval DEFAULT '15 minutes')
RETURNS text
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_variable
DECLARE
    p       record;
    again   boolean := outcome IN ('retry', 'refused', 'released');
    counts  int := (outcome = 'retry')::int;
    since   timestamptz;
    wanted  text := CASE WHEN again THEN 'pending' ELSE outcome END;
BEGIN
    PERFORM set_config('search_path', 'pg_catalog, ' || extnamespace::regnamespace || ', pg_temp', true)
       FROM pg_extension WHERE extname = 'unichat';
    PERFORM unichat_check(id IS NOT NULL, 'id', 'It is one that unichat_push_claim has returned.');
    PERFORM unichat_check(attempt IS NOT NULL, 'attempt', 'It is the one that unichat_push_claim has returned.');
    PERFORM unichat_check(outcome IN ('sent', 'no_recipients', 'failed', 'retry', 'refused', 'released'), 'outcome',
                          'It is sent, no_recipients, failed, retry, refused or released.');
    PERFORM unichat_check(retry_after >= interval '0', 'retry_after', 'It is not negative.');
    PERFORM unichat_check(max_failures >= 1, 'max_failures', 'It is 1 or more.');
    PERFORM unichat_check(max_age BETWEEN interval '0' AND interval '1 year', 'max_age', 'It is not negative, at most 1 year.');
    retry_after := least(retry_after, interval '1000 years');

    -- Locked before anything is written: an erasure has either been here, or waits and finds what we write (retention.c).
    SELECT n.* INTO p FROM push_notifications n WHERE n.id = unichat_push_result.id FOR UPDATE;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    error := CASE WHEN p.erased THEN NULL ELSE left(error, 1000) END;
    provider := left(provider, 1000);
    provider_id := left(provider_id, 1000);

    UPDATE push_attempts a
       SET finished_at = clock_timestamp(), outcome = unichat_push_result.outcome,
           http_status = unichat_push_result.http_status, error = unichat_push_result.error
     WHERE a.push_id = id AND a.attempt = unichat_push_result.attempt AND (a.outcome IS NULL OR a.outcome = 'lost');

    IF p.state NOT IN ('pending', 'sending')
       OR (outcome <> 'sent' AND (p.state <> 'sending' OR p.attempts <> attempt)) THEN
        RETURN NULL;
    END IF;

    since := CASE WHEN counts > 0 THEN COALESCE(p.first_failed_at, p.last_attempt_at) END;
    IF p.failures + counts >= max_failures OR clock_timestamp() + retry_after > since + max_age THEN
        wanted := CASE WHEN outcome = 'retry' THEN 'dead' ELSE wanted END;
    END IF;

    UPDATE push_notifications n
       SET state = wanted,
           failures = n.failures + counts,
           first_failed_at = COALESCE(n.first_failed_at, since),
           next_attempt_at = CASE WHEN again THEN clock_timestamp() + retry_after ELSE n.next_attempt_at END,
           lease_until = NULL,
           provider = COALESCE(unichat_push_result.provider, n.provider),
           provider_id = COALESCE(unichat_push_result.provider_id, n.provider_id),
           http_status = COALESCE(unichat_push_result.http_status, n.http_status),
           last_error = CASE WHEN outcome = 'released' THEN n.last_error ELSE error END,
           sent_at = CASE WHEN wanted = 'sent' THEN clock_timestamp() END
     WHERE n.id = p.id;
    RETURN wanted;
END
$$;
COMMENT ON FUNCTION
    @extschema@.unichat_push_result(bigint, int, text, int, text, text, interval, text, int, interval) IS
    'reports what came of an attempt; returns the row''s state after it, null if another attempt has taken its place';

CREATE FUNCTION @extschema@.unichat_push_queue(
    OUT pending bigint, OUT sending bigint, OUT dead bigint, OUT next_ms bigint)
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT due.n, under_way.n, (SELECT count(*) FROM @extschema@.push_notifications WHERE state = 'dead'),
           ceil(EXTRACT(epoch FROM least(due.at, under_way.at) - clock_timestamp()) * 1000)::bigint
      FROM (SELECT count(*) AS n, min(next_attempt_at) AS at FROM @extschema@.push_notifications WHERE state = 'pending') due,
           (SELECT count(*) AS n, min(lease_until) AS at FROM @extschema@.push_notifications WHERE state = 'sending') under_way;
END;
COMMENT ON FUNCTION @extschema@.unichat_push_queue() IS
    'how much is queued, and in how many milliseconds there is something to do (null: nothing is queued)';

/*
 * A push that ended otherwise than sent, once more by the will of a person: a row of its own with a key of its own,
 * because the provider remembers the first answer to the old key.
 */
CREATE FUNCTION @extschema@.unichat_push_resend(push_id bigint) RETURNS bigint
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    INSERT INTO @extschema@.push_notifications AS p (request_id, player_id, kind, urgency, title, body, data, erased)
    SELECT o.request_id, o.player_id, 'resend', o.urgency, o.title, o.body, o.data, o.erased
      FROM @extschema@.push_notifications o
     WHERE o.id = push_id AND o.request_id IS NOT NULL AND o.state NOT IN ('pending', 'sending')
       FOR SHARE OF o   -- against an erasure at this moment (retention.c)
    ON CONFLICT (request_id, kind) DO UPDATE
       SET state = 'pending', idempotency_key = gen_random_uuid(), failures = 0, first_failed_at = NULL,
           last_attempt_at = NULL, next_attempt_at = clock_timestamp(), provider_id = NULL, http_status = NULL,
           last_error = NULL, sent_at = NULL
     WHERE p.state NOT IN ('pending', 'sending')
    RETURNING p.id;
END;
COMMENT ON FUNCTION @extschema@.unichat_push_resend(bigint) IS
    'queues a push again that was not sent, while its chat is waiting; returns the new row''s id, null if there is nothing to do';
