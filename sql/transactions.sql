-- Savepoints, exceptions, deferred triggers, cursors: what is rolled back was never there, and what comes next is right.
CREATE EXTENSION unichat;

-- a first message that is rolled back leaves no request, no seq, no player
BEGIN;
SELECT seq FROM unichat_send('ann', 'never');
ROLLBACK;
SELECT count(*) FROM chat_players;
SELECT seq, is_new_request FROM unichat_send('ann', 'first');

-- savepoints
BEGIN;
SELECT seq FROM unichat_send('ann', 'kept');
SAVEPOINT a;
SELECT seq FROM unichat_send('ann', 'never');
SELECT status FROM unichat_status((SELECT max(id) FROM chat_requests), 'resolved');
ROLLBACK TO a;
SELECT seq, is_new_request FROM unichat_send('ann', 'kept too');
COMMIT;

-- a function that catches the refusal, in the middle of a statement of many rows
CREATE FUNCTION attempt(t text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    PERFORM unichat_send('ann', t);
    RETURN t;
EXCEPTION WHEN SQLSTATE 'UC001' THEN
    RETURN 'refused';
END $$;
INSERT INTO chat_messages (player_id, message_text) SELECT 'bob', attempt(t) FROM unnest('{one,"",two}'::text[]) t;
SELECT player_id, seq, message_text FROM chat_messages ORDER BY 1, 2;

-- a trigger that sends at commit
CREATE TABLE orders (id int);
CREATE FUNCTION confirm() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN PERFORM unichat_send('cyd', 'order ' || NEW.id); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER confirm AFTER INSERT ON orders DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION confirm();
BEGIN;
INSERT INTO orders VALUES (1), (2);
SELECT count(*) FROM chat_messages WHERE player_id = 'cyd';
COMMIT;
SELECT seq, message_text FROM chat_messages WHERE player_id = 'cyd' ORDER BY 1;
DROP TABLE orders;

-- the events are gapless through all of it
SELECT player_id, array_agg(seq ORDER BY seq) FROM chat_events GROUP BY 1 ORDER BY 1;

-- higher isolation levels
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT seq FROM unichat_send('dan', 'one', client_message_id => 'c');
SELECT seq, is_replay FROM unichat_send('dan', 'one', client_message_id => 'c');
COMMIT;
BEGIN READ ONLY;
SELECT seq FROM unichat_messages('dan');
SELECT unichat_send('dan', 'two');
ROLLBACK;

DROP FUNCTION attempt(text);
DROP FUNCTION confirm();
DROP EXTENSION unichat;
