-- Functions that write. They run with the rights of the extension's owner, as SECURITY DEFINER functions do, and with
-- a pinned search_path; extension/guard.c does both, for a fraction of what the SQL attributes cost.

-- A type of its own, because an OUT parameter may not be called like an argument.
CREATE TYPE @extschema@.unichat_sent AS (
    message_id bigint, request_id bigint, seq bigint, status text, is_new_request boolean, is_replay boolean,
    "timestamp" timestamptz);
COMMENT ON TYPE @extschema@.unichat_sent IS 'unichat: what unichat_send returns';

CREATE FUNCTION @extschema@.unichat_send(
    player_id text, message_text text, sender text DEFAULT 'player', sender_id text DEFAULT NULL,
    client_message_id text DEFAULT NULL, player_name text DEFAULT NULL, urgency text DEFAULT NULL,
    request_id bigint DEFAULT NULL)
RETURNS @extschema@.unichat_sent AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_send(text, text, text, text, text, text, text, bigint) IS
    'stores a message; opens a request if the player has none. With request_id: only if that is the player''s open request. The same client_message_id again returns what is stored.';

CREATE FUNCTION @extschema@.unichat_status(
    request_id bigint, status text, actor text DEFAULT NULL, expected text DEFAULT NULL)
RETURNS @extschema@.chat_requests AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_status(bigint, text, text, text) IS
    'in_progress claims a request for actor, waiting releases it, resolved ends it. With expected: only if that is its status now.';

CREATE FUNCTION @extschema@.unichat_read(player_id text, reader text, seq bigint)
RETURNS @extschema@.chat_players AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_read(text, text, bigint) IS
    'the player or the staff (reader) has read everything up to seq; never goes back';

CREATE FUNCTION @extschema@.unichat_block(player_id text, blocked boolean, actor text DEFAULT NULL)
RETURNS @extschema@.chat_players AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_block(text, boolean, text) IS
    'from now on the player''s messages are refused with UC014, or are not any more';

CREATE FUNCTION @extschema@.unichat_erase_player(player_id text, actor text DEFAULT NULL)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_erase_player(text, text) IS
    'removes everything the player wrote and is called; resolves an open request; keeps the events as a skeleton. Returns the number of messages erased.';

CREATE FUNCTION @extschema@.unichat_prune(
    older_than interval, actor text DEFAULT NULL, max_requests integer DEFAULT 1000)
RETURNS bigint AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_prune(interval, text, integer) IS
    'deletes requests that were resolved longer ago than that, with their messages, events and push rows, at most max_requests of them. Returns how many; call it until it returns 0.';

CREATE FUNCTION @extschema@.unichat_delivery(
    OUT mode text, OUT worker_pid integer, OUT batches bigint, OUT events bigint, OUT last_at timestamptz,
    OUT lag interval, OUT "position" pg_snapshot)
AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_delivery() IS
    'who notifies for this session (the setting unichat.delivery), and how the delivery worker of this database fares: its pid, how often and of how many events it has notified since the server started, when it last did, for how long the oldest event that it knows of has been waiting, and the snapshot up to which all is notified';

CREATE FUNCTION @extschema@.unichat_delivery_stop() RETURNS boolean AS 'MODULE_PATHNAME' LANGUAGE C;
COMMENT ON FUNCTION @extschema@.unichat_delivery_stop() IS
    'ends the delivery worker of this database, until somebody writes or listens, so that the database can be dropped or copied; false if it does not end within ten seconds';
