-- Functions that read. SQL-standard bodies: names are resolved once, here, so no search_path can change their meaning;
-- and as plain STABLE SQL they are inlined into the caller's query, which then has an ordinary cached plan.

CREATE FUNCTION @extschema@.unichat_messages(
    player_id text, after bigint DEFAULT NULL, before bigint DEFAULT NULL, max_rows integer DEFAULT 50)
RETURNS SETOF @extschema@.chat_messages LANGUAGE sql STABLE ROWS 50
BEGIN ATOMIC
    SELECT page.* FROM (
        (SELECT m.* FROM @extschema@.chat_messages m
          WHERE unichat_messages.after IS NOT NULL AND m.player_id = unichat_messages.player_id
            AND m.seq > unichat_messages.after
            AND (unichat_messages.before IS NULL OR m.seq < unichat_messages.before)
          ORDER BY m.seq LIMIT greatest(unichat_messages.max_rows, 0))
        UNION ALL
        (SELECT m.* FROM @extschema@.chat_messages m
          WHERE unichat_messages.after IS NULL AND m.player_id = unichat_messages.player_id
            AND m.seq < coalesce(unichat_messages.before, 9223372036854775807)
          ORDER BY m.seq DESC LIMIT greatest(unichat_messages.max_rows, 0))
    ) page
    ORDER BY page.seq;
END;
COMMENT ON FUNCTION @extschema@.unichat_messages(text, bigint, bigint, integer) IS
    'a page of a player''s history, across requests, ascending by seq: the first max_rows after a seq, else the last max_rows before one, else the newest';

CREATE TYPE @extschema@.unichat_queued AS (
    request_id bigint, player_id text, player_name text, status text, urgency text, assigned_to text,
    created_at timestamptz, updated_at timestamptz, waiting_since timestamptz, first_response_at timestamptz,
    resolved_at timestamptz, last_message text, last_message_sender text, last_message_at timestamptz,
    unread bigint, wait_seconds double precision, last_seq bigint);
COMMENT ON TYPE @extschema@.unichat_queued IS 'unichat: what unichat_requests returns';

-- Each status is read from the queue's index by itself, in order, so the whole is a merge of a few short index scans
-- however many requests there are. OFFSET 0 keeps the planner from reading all players for some of them. What is unread is
-- looked for among the newest events, because LIMIT alone would not end a bitmap scan early.
CREATE FUNCTION @extschema@.unichat_requests(
    statuses text[] DEFAULT '{waiting,in_progress}', player_id text DEFAULT NULL, max_rows integer DEFAULT 200,
    assigned_to text DEFAULT NULL)
RETURNS SETOF @extschema@.unichat_queued LANGUAGE sql STABLE ROWS 100
BEGIN ATOMIC
    SELECT r.id, r.player_id, r.player_name, r.status, r.urgency, r.assigned_to, r.created_at, r.updated_at,
           r.waiting_since, r.first_response_at, r.resolved_at, r.last_message, r.last_message_sender,
           r.last_message_at, unread.n,
           extract(epoch FROM clock_timestamp() - r.waiting_since)::double precision, p.last_seq
      FROM (
        SELECT found.*, row_number() OVER () AS place FROM (
            SELECT q.* FROM (
                (SELECT listed.*
                   FROM (SELECT DISTINCT s FROM unnest(unichat_requests.statuses) s
                          WHERE unichat_requests.player_id IS NULL AND unichat_requests.assigned_to IS NULL) wanted
                  CROSS JOIN LATERAL
                        (SELECT c.* FROM @extschema@.chat_requests c
                          WHERE c.status = wanted.s
                          ORDER BY array_position(ARRAY['urgent', 'high', 'normal', 'low'], c.urgency),
                                   c.created_at, c.id
                          LIMIT greatest(unichat_requests.max_rows, 0)) listed)
                UNION ALL
                (SELECT c.* FROM @extschema@.chat_requests c
                  WHERE unichat_requests.player_id IS NULL AND c.assigned_to = unichat_requests.assigned_to
                    AND c.status = 'in_progress'
                  ORDER BY c.id LIMIT greatest(unichat_requests.max_rows, 0))
            ) q
            ORDER BY array_position(ARRAY['urgent', 'high', 'normal', 'low'], q.urgency), q.created_at, q.id
            LIMIT greatest(unichat_requests.max_rows, 0)
        ) found
        UNION ALL
        SELECT own.*, row_number() OVER () FROM (
            SELECT c.* FROM @extschema@.chat_requests c
             WHERE c.player_id = unichat_requests.player_id
             ORDER BY c.id DESC LIMIT greatest(unichat_requests.max_rows, 0)
        ) own
      ) r
      CROSS JOIN LATERAL (
        SELECT c.staff_read_seq, c.last_seq FROM @extschema@.chat_players c
         WHERE c.player_id = r.player_id OFFSET 0) p
      CROSS JOIN LATERAL (
        SELECT count(*) AS n FROM (
            SELECT FROM @extschema@.chat_messages m
             WHERE m.player_id = r.player_id AND m.seq > greatest(p.staff_read_seq, p.last_seq - 200)
               AND m.sender = 'player' AND m.request_id = r.id
             LIMIT 100) few) unread
     ORDER BY r.place;
END;
COMMENT ON FUNCTION @extschema@.unichat_requests(text[], text, integer, text) IS
    'the staff''s queue: the most urgent first, then the oldest. With player_id: that player''s requests of every status, newest first. With assigned_to: what that staff member has in progress. unread looks at the player''s newest 200 events and counts to 100, so that a flooded request costs no more.';

-- The row of an event with everything its JSON needs. message_id of request_created leads to the first message.
CREATE FUNCTION @extschema@.unichat_payload(
    player_id text, player_name text, seq bigint, request_id bigint, kind text, message_id bigint, from_status text,
    to_status text, urgency text, assigned_to text, actor text, at timestamptz, xid xid8, sender text, sender_id text,
    message_text text, client_message_id text)
RETURNS text AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION @extschema@.unichat_payload(text, text, bigint, bigint, text, bigint, text, text, text, text, text, timestamptz, xid8, text, text, text, text) IS
    'unichat: the JSON of one event (internal)';

CREATE VIEW @extschema@.unichat_event_payloads WITH (security_invoker = true) AS
    SELECT e.*,
           @extschema@.unichat_payload(
               e.player_id, r.player_name, e.seq, e.request_id, e.kind, e.message_id, e.from_status, e.to_status,
               e.urgency, e.assigned_to, e.actor, e.at, e.xid, m.sender, m.sender_id, m.message_text,
               m.client_message_id) AS payload
      FROM @extschema@.chat_events e
      LEFT JOIN @extschema@.chat_requests r ON r.id = e.request_id
      LEFT JOIN @extschema@.chat_messages m
             ON e.message_id IS NOT NULL AND m.player_id = e.player_id
            AND m.seq = e.seq + CASE e.kind WHEN 'request_created' THEN 1 ELSE 0 END;
COMMENT ON VIEW @extschema@.unichat_event_payloads IS 'unichat: the events, each with its JSON (internal)';

-- The exception that is not inlined: the planner cannot know that what came after a snapshot is little, least of all in
-- a table just restored, where every xid is the same. So it is told.
CREATE FUNCTION @extschema@.unichat_events_since(
    since pg_snapshot, after_player text DEFAULT '', after_seq bigint DEFAULT 0, max_rows integer DEFAULT 2147483647)
RETURNS TABLE (player_id text, seq bigint, xid xid8, payload text) LANGUAGE sql STABLE ROWS 100
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off SET enable_memoize = off SET jit = off
BEGIN ATOMIC
    WITH news AS MATERIALIZED (     -- found by xid first, whatever the order of the result
        SELECT e.player_id, e.seq FROM @extschema@.chat_events e
         WHERE e.xid >= pg_snapshot_xmax(since)
            OR e.xid = ANY (ARRAY(SELECT pg_snapshot_xip(since)))
    ), page AS MATERIALIZED (       -- what the JSON is made of, and no more
        SELECT news.player_id, news.seq FROM news
         WHERE (news.player_id, news.seq) > (after_player COLLATE "C", after_seq)
         ORDER BY news.player_id, news.seq LIMIT greatest(max_rows, 0)
    )
    SELECT n.player_id, n.seq, n.xid, n.payload
      FROM page JOIN @extschema@.unichat_event_payloads n ON n.player_id = page.player_id AND n.seq = page.seq
     ORDER BY n.player_id, n.seq;
END;
COMMENT ON FUNCTION @extschema@.unichat_events_since(pg_snapshot, text, bigint, integer) IS
    'the events that are visible now and were not to the given snapshot, as the JSON of docs/events.md, by player and seq: all of them, or the first max_rows behind a player and seq';

CREATE FUNCTION @extschema@.unichat_event(player_id text, seq bigint)
RETURNS text LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT e.payload FROM @extschema@.unichat_event_payloads e
     WHERE e.player_id = unichat_event.player_id AND e.seq = unichat_event.seq;
END;
COMMENT ON FUNCTION @extschema@.unichat_event(text, bigint) IS 'one event, as the JSON of docs/events.md';

CREATE FUNCTION @extschema@.unichat_events_after(player_id text, after bigint, max_rows integer DEFAULT 100)
RETURNS TABLE (seq bigint, payload text) LANGUAGE sql STABLE ROWS 100
BEGIN ATOMIC
    SELECT e.seq, e.payload FROM @extschema@.unichat_event_payloads e
     WHERE e.player_id = unichat_events_after.player_id AND e.seq > unichat_events_after.after
     ORDER BY e.seq LIMIT greatest(unichat_events_after.max_rows, 0);
END;
COMMENT ON FUNCTION @extschema@.unichat_events_after(text, bigint, integer) IS
    'the first max_rows events of a player after a seq, as the JSON of docs/events.md';

CREATE FUNCTION @extschema@.unichat_epoch() RETURNS text AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION @extschema@.unichat_epoch() IS
    'whose history this is: the cluster''s system identifier and timeline, the database and the extension, by oid; positions and seqs of another epoch mean nothing here';

CREATE FUNCTION @extschema@.unichat_verify(
    player_id text, OUT ok boolean, OUT events bigint, OUT head_seq bigint, OUT head_hash bytea, OUT bad_seq bigint,
    OUT problem text)
AS 'MODULE_PATHNAME' LANGUAGE C STABLE;
COMMENT ON FUNCTION @extschema@.unichat_verify(text) IS
    'does the player''s history fit its hash chain? If not, the first seq that does not, and why. Events before it fit; the last of them is head_seq with head_hash.';

CREATE FUNCTION @extschema@.unichat_stats(
    OUT waiting bigint, OUT in_progress bigint, OUT oldest_waiting_seconds double precision, OUT requests bigint,
    OUT players bigint)
LANGUAGE sql STABLE
BEGIN ATOMIC
    SELECT (SELECT count(*) FROM @extschema@.chat_requests WHERE status = 'waiting'),
           (SELECT count(*) FROM @extschema@.chat_requests WHERE status = 'in_progress'),
           (SELECT extract(epoch FROM clock_timestamp() - min(created_at))::double precision
              FROM @extschema@.chat_requests WHERE status = 'waiting'),
           (SELECT greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class
             WHERE oid = '@extschema@.chat_requests'::regclass),
           (SELECT greatest(reltuples, 0)::bigint FROM pg_catalog.pg_class
             WHERE oid = '@extschema@.chat_players'::regclass);
END;
COMMENT ON FUNCTION @extschema@.unichat_stats() IS
    'counts for monitoring: exact for what is open, the planner''s estimate for all requests and players';
