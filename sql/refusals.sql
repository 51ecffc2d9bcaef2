-- Every limit: its SQLSTATE, its words, and the column that it names. Nothing half stored.
CREATE EXTENSION unichat;

CREATE FUNCTION refusal(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    state text; message text; detail text; hint text; col text;
BEGIN
    EXECUTE statement;
    RETURN 'accepted';
EXCEPTION WHEN OTHERS THEN
    GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
        hint = PG_EXCEPTION_HINT, col = COLUMN_NAME;
    RETURN concat_ws(' | ', state, nullif(col, ''), message, nullif(detail, ''), nullif(hint, ''));
END $$;

-- message_text
SELECT refusal($$SELECT unichat_send('p', NULL)$$);
SELECT refusal($$SELECT unichat_send('p', '')$$);
SELECT refusal($$SELECT unichat_send('p', E' \t\r\n ')$$);
SELECT refusal($$SELECT unichat_send('p', U&'\00A0\2003\3000\200B\FEFF\2060\00AD\2800')$$);
SELECT refusal($$SELECT unichat_send('p', repeat('x', 4001))$$);
SELECT refusal($$SELECT unichat_send('p', repeat('😀', 4001))$$);
SELECT refusal($$SELECT unichat_send('p0', repeat('😀', 4000))$$);
SELECT refusal($$SELECT unichat_send('p0', U&' \200B. ')$$);
SELECT refusal($$SELECT unichat_send('p', E'a\0b')$$);
SELECT refusal($$SELECT unichat_send('p', convert_from('\x610062', 'UTF8'))$$);
SELECT refusal($$SELECT unichat_send('p', convert_from('\xff', 'UTF8'))$$);
-- player_id
SELECT refusal($$SELECT unichat_send(NULL, 'hi')$$);
SELECT refusal($$SELECT unichat_send('', 'hi')$$);
SELECT refusal($$SELECT unichat_send(repeat('x', 129), 'hi')$$);
SELECT refusal($$SELECT unichat_send(repeat('ä', 65), 'hi')$$);
SELECT refusal($$SELECT unichat_send(repeat('ä', 64), 'hi')$$);
-- sender, urgency, other fields
SELECT refusal($$SELECT unichat_send('p', 'hi', 'robot')$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', NULL)$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', repeat('r', 1000))$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', urgency => 'asap')$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', 'player', '')$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', 'player', repeat('x', 129))$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', client_message_id => '')$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', client_message_id => repeat('x', 129))$$);
SELECT refusal($$SELECT unichat_send('p', 'hi', player_name => repeat('x', 201))$$);
SELECT refusal($$SELECT unichat_read('p', 'robot', 1)$$);
SELECT refusal($$SELECT unichat_read('p', 'staff', NULL)$$);
SELECT refusal($$SELECT unichat_read('p', 'staff', 1)$$);
SELECT refusal($$SELECT unichat_prune(NULL)$$);
SELECT refusal($$SELECT unichat_prune('-1 day')$$);
SELECT refusal($$SELECT unichat_erase_player('p')$$);
-- The same by INSERT.
SELECT refusal($$INSERT INTO chat_messages (player_id, message_text) VALUES ('p', '')$$);
SELECT refusal($$INSERT INTO chat_messages (player_id, message_text) VALUES ('', 'hi')$$);
SELECT refusal($$INSERT INTO chat_messages (player_id, message_text, sender) VALUES ('p', 'hi', 'robot')$$);
-- blocked
SELECT refusal($$SELECT unichat_send('b', 'first')$$);
SELECT player_id, blocked FROM unichat_block('b', true, 'sue');
SELECT refusal($$SELECT unichat_send('b', 'second')$$);
SELECT refusal($$SELECT unichat_send('b', 'Your account is blocked', 'staff', 'sue')$$);

-- A statement that fails in its last row has stored nothing of the others.
SELECT refusal($$INSERT INTO chat_messages (player_id, message_text) VALUES ('q', 'good'), ('q', 'good'), ('q', '')$$);
SELECT count(*) FROM chat_players WHERE player_id IN ('p', 'q');
SELECT player_id, count(*) FROM chat_messages GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM chat_requests WHERE player_id IN ('p', 'q');

-- history is append-only
SELECT refusal($$UPDATE chat_messages SET message_text = 'x'$$);
SELECT refusal($$DELETE FROM chat_messages$$);
SELECT refusal($$TRUNCATE chat_messages$$);
SELECT refusal($$UPDATE chat_events SET kind = 'x'$$);
SELECT refusal($$DELETE FROM chat_events$$);
SELECT refusal($$TRUNCATE chat_events$$);
SELECT refusal($$DELETE FROM chat_players$$);
SELECT refusal($$TRUNCATE chat_players$$);
SELECT refusal($$TRUNCATE chat_players, chat_requests, chat_messages, chat_events$$);

-- the trigger functions are for these tables alone
CREATE TABLE other (player_id text);
CREATE TRIGGER wrong BEFORE INSERT ON other FOR EACH ROW EXECUTE FUNCTION unichat_message_before();
SELECT refusal($$INSERT INTO other VALUES ('x')$$);
SELECT refusal($$SELECT unichat_message_before()$$);
DROP TABLE other;
-- and in the ways alone in which unichat uses them
CREATE FUNCTION wrongly(way text, statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE 'CREATE TRIGGER zz_unichat_1 ' || way || '()';
    RETURN refusal(statement);
END $$;
BEGIN;
SELECT wrongly('BEFORE INSERT ON chat_messages EXECUTE FUNCTION unichat_message_before', $$INSERT INTO chat_messages (player_id, message_text) VALUES ('x', 'y')$$);
SELECT wrongly('AFTER INSERT ON chat_requests EXECUTE FUNCTION unichat_request_after', $$INSERT INTO chat_requests (player_id) VALUES ('x')$$);
ROLLBACK;
BEGIN;
SELECT wrongly('BEFORE DELETE ON chat_requests FOR EACH ROW EXECUTE FUNCTION unichat_request_before', $$DELETE FROM chat_requests$$);
ROLLBACK;
BEGIN;
SELECT wrongly('AFTER INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION unichat_request_before', $$INSERT INTO chat_requests (player_id) VALUES ('x')$$);
ROLLBACK;
BEGIN;
SELECT wrongly('BEFORE DELETE ON chat_messages EXECUTE FUNCTION unichat_append_only', $$DELETE FROM chat_messages$$);
ROLLBACK;
DROP FUNCTION wrongly(text, text);

DROP FUNCTION refusal(text);
DROP EXTENSION unichat;
