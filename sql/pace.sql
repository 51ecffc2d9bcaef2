-- How many requests a player may open in a minute.
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
DROP EXTENSION unichat;
