-- How many requests a player may open in a minute, and how many messages a player's own session may write.
\set VERBOSITY terse
CREATE EXTENSION unichat;
SHOW unichat.new_requests_per_minute;

-- Opens a request, resolves the one before; tells the seconds of a refusal only as a range.
CREATE FUNCTION opens(player text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    wait text;
    state text;
BEGIN
    PERFORM unichat_status(id, 'resolved') FROM chat_requests WHERE player_id = player AND status <> 'resolved';
    PERFORM unichat_send(player, 'help');
    RETURN 'opened';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS wait = PG_EXCEPTION_DETAIL, state = RETURNED_SQLSTATE;
    RETURN state || CASE WHEN wait ~ '^Try again in ([1-9]|[1-5][0-9]|60) s\.$' THEN ', try again in at most a minute' ELSE wait END;
END $$;

SELECT i, opens('free') FROM generate_series(1, 20) AS i WHERE opens('free') <> 'opened';

SET unichat.new_requests_per_minute = 3;
SELECT i, opens('ada') FROM generate_series(1, 4) AS i;
-- Nobody else is concerned, nor is what was written before.
SELECT opens('bob');
SELECT count(*) AS requests, max(last_seq) AS last_seq FROM chat_requests JOIN chat_players USING (player_id) WHERE player_id = 'ada';
-- A message to the request that is open opens none, and the staff opens none.
SELECT is_new_request FROM unichat_send('ada', 'one more');
SELECT is_new_request FROM unichat_send('ada', 'an answer', 'staff', 'grace');
-- A plain INSERT obeys the same.
SELECT s.status FROM chat_requests AS r, unichat_status(r.id, 'resolved') AS s WHERE r.player_id = 'ada' AND r.status <> 'resolved';
INSERT INTO chat_messages (player_id, message_text) VALUES ('ada', 'me again');
-- When the oldest of them is a minute old, there is room for one.
SET session_replication_role = replica;
UPDATE chat_requests SET created_at = created_at - interval '61 seconds'
    WHERE id = (SELECT min(id) FROM chat_requests WHERE player_id = 'ada');
RESET session_replication_role;
SELECT opens('ada');
SELECT opens('ada');
-- A replay opens none, even where it looked so at first.
SELECT is_replay FROM unichat_send('cy', 'hello', client_message_id => 'c1');
SELECT is_replay FROM unichat_send('cy', 'hello', client_message_id => 'c1');
SET unichat.new_requests_per_minute = -1;
RESET unichat.new_requests_per_minute;
SELECT opens('ada');
DROP FUNCTION opens(text);

-- A player's own session: nobody between it and the tables who could count.
SHOW unichat.player_messages_per_minute;
CREATE ROLE unichat_test_web LOGIN IN ROLE unichat_player;
CREATE FUNCTION writes(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE wait text;
BEGIN
    EXECUTE statement;
    RETURN 'written';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS wait = PG_EXCEPTION_DETAIL;
    RETURN concat_ws(' ', SQLSTATE, SQLERRM, CASE WHEN wait ~ '^Try again in ([1-9]|[1-5][0-9]|60) s\.$' THEN 'for a minute at most' ELSE wait END);
END $$;
ALTER ROLE unichat_test_web SET unichat.player_messages_per_minute = 3;
-- Who speaks for everybody is not counted, but what he writes for the player is.
SELECT count(unichat_send('dee', 'from the app')) FROM generate_series(1, 2);
SELECT unichat_player_token('dee') AS dee, unichat_player_token('eve') AS eve \gset
\c - unichat_test_web
SET unichat.player_token = :'dee';
SELECT writes($$SELECT unichat_send('dee', 'one', client_message_id => 'one')$$);
SELECT writes($$SELECT unichat_send('dee', 'two')$$);
SELECT writes($$INSERT INTO chat_messages (player_id, message_text) VALUES ('dee', 'two')$$);
-- what is stored already is a replay, not one more
SELECT is_replay FROM unichat_send('dee', 'one', client_message_id => 'one');
-- one statement with many
SET unichat.player_token = :'eve';
SELECT writes($$INSERT INTO chat_messages (player_id, message_text) SELECT 'eve', n FROM generate_series(1, 4) AS n$$);
SELECT writes($$INSERT INTO chat_messages (player_id, message_text) SELECT 'eve', n FROM generate_series(1, 3) AS n$$);
SELECT writes('SET unichat.player_messages_per_minute = 0');
SELECT writes($$SELECT unichat_send('eve', 'one more')$$);
\c - postgres
-- what the staff writes does not count, and when the oldest of them is a minute old, there is room for one
SELECT count(unichat_send('eve', 'an answer', 'staff')) FROM generate_series(1, 5);
SET session_replication_role = replica;
UPDATE chat_messages SET timestamp = timestamp - interval '61 seconds' WHERE player_id = 'eve' AND message_text = '1';
RESET session_replication_role;
\c - unichat_test_web
-- nor is it taken when it is set before the library is there, which warns of it then
SET client_min_messages = error;
DO $$ BEGIN SET unichat.player_messages_per_minute = 0; EXCEPTION WHEN insufficient_privilege THEN NULL; END $$;
SET unichat.player_token = :'eve';
SELECT writes($$SELECT unichat_send('eve', 'one more')$$), writes($$SELECT unichat_send('eve', 'and another')$$);
\c - postgres
DROP FUNCTION writes(text);
DROP ROLE unichat_test_web;
DROP EXTENSION unichat;
