-- Where others have a say in our tables, they are heard: their triggers, constraints and columns, whoever writes.
CREATE EXTENSION unichat;
CREATE TABLE heard (n serial, who text, what text, said text);
CREATE FUNCTION hear() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.heard (who, what, said) VALUES (TG_TABLE_NAME, TG_WHEN || ' ' || TG_OP,
        CASE TG_TABLE_NAME WHEN 'chat_players' THEN 'seq ' || (to_jsonb(NEW) ->> 'last_seq')
            WHEN 'chat_requests' THEN (to_jsonb(NEW) ->> 'status') || ', ' || (to_jsonb(NEW) ->> 'last_message')
            WHEN 'chat_messages' THEN to_jsonb(NEW) ->> 'message_text' ELSE to_jsonb(NEW) ->> 'kind' END);
    RETURN NEW;
END $$;
CREATE FUNCTION conversation(player text) RETURNS TABLE (seq bigint, kind text, to_status text, assigned_to text, actor text, message_text text)
LANGUAGE sql AS $$
    SELECT unichat_send($1, 'one', player_name => 'Ann');
    SELECT unichat_send($1, 'two', urgency => 'high', client_message_id => 'c');
    SELECT unichat_send($1, 'two', urgency => 'low', client_message_id => 'c');
    SELECT unichat_send($1, 'three', 'staff', 'sue');
    SELECT unichat_send($1, 'four', 'staff', 'sue');
    SELECT unichat_send($1, 'five', 'system');
    INSERT INTO chat_messages (player_id, message_text) VALUES ($1, 'six'), ($1, 'seven');
    SELECT unichat_status((SELECT max(id) FROM chat_requests), 'resolved', 'sue');
    SELECT e.seq, e.kind, e.to_status, e.assigned_to, e.actor, m.message_text
      FROM chat_events e LEFT JOIN chat_messages m USING (player_id, seq) WHERE e.player_id = $1 ORDER BY e.seq $$;

-- nobody else: what it is to be
SELECT * FROM conversation('alone');
-- everybody else
CREATE TRIGGER hear BEFORE INSERT OR UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION hear();
CREATE TRIGGER hear AFTER INSERT OR UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION hear();
CREATE TRIGGER hear AFTER INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION hear();
CREATE TRIGGER hear AFTER INSERT ON chat_events FOR EACH ROW EXECUTE FUNCTION hear();
SELECT * FROM conversation('watched');
SELECT who, what, said FROM heard ORDER BY n;
SELECT (a.last_seq, a.player_name) = (b.last_seq, b.player_name) AS players_alike FROM chat_players a, chat_players b
 WHERE a.player_id = 'alone' AND b.player_id = 'watched';
SELECT (to_jsonb(a) - '{id,player_id,created_at,updated_at,waiting_since,first_response_at,resolved_at,last_message_at}'::text[]) =
       (to_jsonb(b) - '{id,player_id,created_at,updated_at,waiting_since,first_response_at,resolved_at,last_message_at}'::text[]) AS requests_alike
  FROM chat_requests a, chat_requests b WHERE a.player_id = 'alone' AND b.player_id = 'watched';
SELECT player_id, (unichat_verify(player_id)).ok FROM chat_players ORDER BY 1;
DROP TRIGGER hear ON chat_players;
DROP TRIGGER hear ON chat_requests;
DROP TRIGGER hear ON chat_messages;
DROP TRIGGER hear ON chat_events;

-- a trigger that changes the message, one that suppresses it, a constraint, a column with a default, a rule
\set VERBOSITY terse
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.message_text := upper(NEW.message_text); RETURN NEW; END $$;
CREATE TRIGGER shout BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION shout();
SELECT seq FROM unichat_send('bob', 'hello');
SELECT message_text, (SELECT last_message FROM chat_requests WHERE player_id = 'bob') FROM chat_messages WHERE player_id = 'bob';
DROP TRIGGER shout ON chat_messages;
CREATE FUNCTION hush() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER hush BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('bob', 'hello');
DROP TRIGGER hush ON chat_messages;
ALTER TABLE chat_messages ADD CONSTRAINT polite CHECK (message_text !~ 'damn');
SELECT seq FROM unichat_send('bob', 'damn');
ALTER TABLE chat_messages DROP CONSTRAINT polite;
ALTER TABLE chat_requests ADD CONSTRAINT polite CHECK (last_message !~ 'damn');
SELECT seq FROM unichat_send('bob', 'damn');
ALTER TABLE chat_requests DROP CONSTRAINT polite;
ALTER TABLE chat_messages ADD COLUMN shard int NOT NULL DEFAULT 7;
ALTER TABLE chat_events ADD COLUMN shard int NOT NULL DEFAULT 8;
ALTER TABLE chat_requests ADD COLUMN tag text DEFAULT 'mine';
SELECT seq FROM unichat_send('bob', 'with columns');
UPDATE chat_requests SET tag = 'yours' WHERE player_id = 'bob';
SELECT seq FROM unichat_send('bob', 'and again');
SELECT m.shard, e.shard, tag FROM chat_messages m JOIN chat_events e USING (player_id, seq) JOIN chat_requests r ON r.id = m.request_id
 WHERE m.player_id = 'bob' ORDER BY seq;
CREATE TABLE diary (seq bigint);
CREATE RULE diary AS ON INSERT TO chat_events DO ALSO INSERT INTO public.diary VALUES (NEW.seq);
SELECT seq FROM unichat_send('bob', 'with a rule');
SELECT * FROM diary;
DROP RULE diary ON chat_events;
-- our own triggers out of the way: no message without its rules
ALTER TABLE chat_messages DISABLE TRIGGER zz_unichat_before;
SELECT seq FROM unichat_send('bob', 'never');
ALTER TABLE chat_messages ENABLE TRIGGER zz_unichat_before;
SET session_replication_role = replica;
SELECT seq FROM unichat_send('bob', 'never');
RESET session_replication_role;
SELECT seq FROM unichat_send('bob', 'back to normal');
SELECT ok, events, problem FROM unichat_verify('bob');

DROP TABLE heard, diary;
DROP FUNCTION conversation(text), hear(), shout(), hush();
DROP EXTENSION unichat;
