-- The tables. Design: docs/sql.md. Everything is created in the extension's schema; nothing depends on search_path.
--
-- Foreign keys are left out on purpose: each would cost every message an index probe and a share lock on the parent
-- row. The triggers, which are the only way into these tables, guarantee what the keys would.
--
-- So are CHECK constraints, and for the same reason: PostgreSQL parses a table's constraints from their stored text for
-- every statement anew, and the four statements of a message spent a quarter of their time on that. extension/words.c
-- checks the values, of restored rows too.
--
-- player_id is COLLATE "C": it is an opaque id, so byte order is the right order, compares fastest, and no index breaks
-- when an operating system changes a collation.

CREATE TABLE @extschema@.chat_players (
    player_id       text COLLATE "C" PRIMARY KEY,
    player_name     text,
    last_seq        bigint NOT NULL DEFAULT 0,
    player_read_seq bigint NOT NULL DEFAULT 0,
    staff_read_seq  bigint NOT NULL DEFAULT 0,
    blocked         boolean NOT NULL DEFAULT false,
    created_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    last_hash       bytea
) WITH (fillfactor = 60);   -- every event updates last_seq: leave room for HOT updates

COMMENT ON TABLE @extschema@.chat_players IS 'unichat: one row for each player. Its row lock, held until commit, orders the player''s events.';
COMMENT ON COLUMN @extschema@.chat_players.player_id IS 'the application''s own id, opaque, 1 to 128 bytes';
COMMENT ON COLUMN @extschema@.chat_players.last_seq IS 'the seq of the player''s newest event; the next event takes last_seq + 1';
COMMENT ON COLUMN @extschema@.chat_players.last_hash IS 'the hash of the newest event, where it is known without a look at that; what counts is chat_events.hash';
COMMENT ON COLUMN @extschema@.chat_players.player_read_seq IS 'what the player has read (unichat_read)';
COMMENT ON COLUMN @extschema@.chat_players.staff_read_seq IS 'what the staff has read (unichat_read)';
COMMENT ON COLUMN @extschema@.chat_players.blocked IS 'true: the player''s messages are refused with UC014 (unichat_block)';

CREATE SEQUENCE @extschema@.chat_requests_id_seq;

-- No index holds a column that an ordinary message changes, so those updates stay HOT.
CREATE TABLE @extschema@.chat_requests (
    id                  bigint PRIMARY KEY,
    player_id           text COLLATE "C" NOT NULL,
    player_name         text,
    status              text COLLATE "C" NOT NULL DEFAULT 'waiting',
    urgency             text COLLATE "C" NOT NULL DEFAULT 'normal',
    assigned_to         text,
    created_at          timestamptz NOT NULL,
    updated_at          timestamptz NOT NULL,
    waiting_since       timestamptz,
    first_response_at   timestamptz,
    resolved_at         timestamptz,
    last_message        text,
    last_message_sender text,
    last_message_at     timestamptz
) WITH (fillfactor = 60);
ALTER SEQUENCE @extschema@.chat_requests_id_seq OWNED BY @extschema@.chat_requests.id;

CREATE UNIQUE INDEX chat_requests_open ON @extschema@.chat_requests (player_id) WHERE status <> 'resolved';
CREATE INDEX chat_requests_player ON @extschema@.chat_requests (player_id, id);
CREATE INDEX chat_requests_queue ON @extschema@.chat_requests
    (status, pg_catalog.array_position(ARRAY['urgent', 'high', 'normal', 'low'], urgency), created_at, id);
CREATE INDEX chat_requests_mine ON @extschema@.chat_requests (assigned_to, id) WHERE status = 'in_progress';
CREATE INDEX chat_requests_resolved ON @extschema@.chat_requests (resolved_at) WHERE status = 'resolved';

COMMENT ON TABLE @extschema@.chat_requests IS 'unichat: one conversation from first message to resolved. A player has at most one that is not resolved. UPDATE … SET status obeys the rules of unichat_status.';
COMMENT ON COLUMN @extschema@.chat_requests.status IS 'waiting, in_progress, resolved; nothing leaves resolved';
COMMENT ON COLUMN @extschema@.chat_requests.urgency IS 'low, normal, high, urgent';
COMMENT ON COLUMN @extschema@.chat_requests.assigned_to IS 'the staff member who has claimed it';
COMMENT ON COLUMN @extschema@.chat_requests.waiting_since IS 'since when the player waits for an answer; NULL while the staff''s answer is the newest message';
COMMENT ON COLUMN @extschema@.chat_requests.first_response_at IS 'when the staff first wrote';
COMMENT ON COLUMN @extschema@.chat_requests.last_message IS 'the first 140 characters of the newest message';

CREATE SEQUENCE @extschema@.chat_messages_id_seq;

-- id has no index: it is a name for the outside. Whatever the product looks up, it looks up by (player_id, seq).
CREATE TABLE @extschema@.chat_messages (
    id                bigint NOT NULL,
    request_id        bigint NOT NULL,
    player_id         text COLLATE "C" NOT NULL,
    seq               bigint NOT NULL,
    sender            text COLLATE "C" NOT NULL DEFAULT 'player',
    sender_id         text,
    message_text      text NOT NULL,
    "timestamp"       timestamptz NOT NULL,
    client_message_id text COLLATE "C",
    salt              bytea,
    PRIMARY KEY (player_id, seq)
);
ALTER SEQUENCE @extschema@.chat_messages_id_seq OWNED BY @extschema@.chat_messages.id;

CREATE UNIQUE INDEX chat_messages_client_id ON @extschema@.chat_messages (player_id, client_message_id, sender)
    WHERE client_message_id IS NOT NULL;

COMMENT ON TABLE @extschema@.chat_messages IS 'unichat: the messages. INSERT (player_id, message_text) is all it takes to send one; rows are never changed or deleted, except by unichat_erase_player and unichat_prune.';
COMMENT ON COLUMN @extschema@.chat_messages.id IS 'assigned; only a name, the order is seq';
COMMENT ON COLUMN @extschema@.chat_messages.request_id IS 'assigned; when given without seq: store only if this is the player''s open request (else UC015)';
COMMENT ON COLUMN @extschema@.chat_messages.seq IS 'assigned; the seq of this message''s event, counting within the player';
COMMENT ON COLUMN @extschema@.chat_messages.sender IS 'player, staff, system';
COMMENT ON COLUMN @extschema@.chat_messages.client_message_id IS 'given by the client; the same one again from the same sender stores nothing';
COMMENT ON COLUMN @extschema@.chat_messages.salt IS 'random; part of chat_events.message_digest, so that nobody can try texts on the digest of a message that is erased';

CREATE TABLE @extschema@.chat_events (
    player_id   text COLLATE "C" NOT NULL,
    seq         bigint NOT NULL,
    request_id  bigint,
    kind        text COLLATE "C" NOT NULL,
    message_id  bigint,
    from_status text COLLATE "C",
    to_status   text COLLATE "C",
    urgency     text COLLATE "C",
    assigned_to text,
    actor       text,
    detail      jsonb,
    at          timestamptz NOT NULL,
    xid         xid8 NOT NULL DEFAULT pg_catalog.pg_current_xact_id(),
    notified    boolean NOT NULL DEFAULT true,
    message_digest bytea,
    hash        bytea,
    PRIMARY KEY (player_id, seq)
);
CREATE INDEX chat_events_xid ON @extschema@.chat_events (xid);

COMMENT ON TABLE @extschema@.chat_events IS 'unichat: everything that happened, in order: the audit trail and the source of every delivery. Append-only.';
COMMENT ON COLUMN @extschema@.chat_events.seq IS '1, 2, 3 … within the player, without a gap; commit order is seq order';
COMMENT ON COLUMN @extschema@.chat_events.kind IS 'request_created, message, claimed, released, resolved, blocked, unblocked, erased, pruned';
COMMENT ON COLUMN @extschema@.chat_events.message_id IS 'of a message: its id (its row has the same player_id and seq); of request_created: the id of the first message, whose seq is one higher';
COMMENT ON COLUMN @extschema@.chat_events.to_status IS 'the request''s status after the event; urgency and assigned_to likewise';
COMMENT ON COLUMN @extschema@.chat_events.actor IS 'which of the staff, or who called the function, where known; NULL is the player';
COMMENT ON COLUMN @extschema@.chat_events.detail IS 'of erased and pruned: how much; of pruned also which seqs, and the last hash of each run of them';
COMMENT ON COLUMN @extschema@.chat_events.xid IS 'the transaction that wrote it; catching up compares it with a snapshot (unichat_events_since)';
COMMENT ON COLUMN @extschema@.chat_events.notified IS 'true: its own transaction has seen to the notification; false: the delivery worker does';
COMMENT ON COLUMN @extschema@.chat_events.message_digest IS 'of a message: SHA-256 of its columns; stays when it is erased';
COMMENT ON COLUMN @extschema@.chat_events.hash IS 'SHA-256 of the hash of the event before and of this event (unichat_verify)';

-- What people write is never searched for by its value, and ANALYZE would keep samples of it that erasing cannot reach.
ALTER TABLE @extschema@.chat_players ALTER player_name SET STATISTICS 0;
ALTER TABLE @extschema@.chat_requests ALTER player_name SET STATISTICS 0, ALTER last_message SET STATISTICS 0;
ALTER TABLE @extschema@.chat_messages ALTER message_text SET STATISTICS 0, ALTER sender_id SET STATISTICS 0,
    ALTER client_message_id SET STATISTICS 0;
