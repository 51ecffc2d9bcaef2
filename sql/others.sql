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
-- indexes of every kind have the row's entries, and keep what is unique so
SET enable_seqscan = off;
CREATE INDEX said ON chat_messages (message_text) INCLUDE (seq);
CREATE INDEX named ON chat_messages (message_text) WHERE client_message_id IS NOT NULL;
SELECT seq FROM unichat_send('bob', 'plain', client_message_id => 'p1');
SELECT seq FROM unichat_send('bob', 'plain');
SELECT count(*), count(client_message_id) FROM chat_messages WHERE message_text = 'plain';
SELECT count(*) FROM chat_messages WHERE message_text = 'plain' AND client_message_id IS NOT NULL;
CREATE UNIQUE INDEX once ON chat_messages (player_id, lower(message_text)) WHERE sender <> 'staff' AND message_text <> 'plain';
CREATE INDEX hashed ON chat_messages USING hash (message_text);
ALTER TABLE chat_messages ADD CONSTRAINT later UNIQUE (id) DEFERRABLE INITIALLY DEFERRED;
SELECT seq FROM unichat_send('bob', 'Once', client_message_id => 'p2');
SELECT seq FROM unichat_send('bob', 'ONCE');
SELECT count(*) FROM chat_messages WHERE player_id = 'bob' AND lower(message_text) = 'once' AND sender <> 'staff' AND message_text <> 'plain';
DROP INDEX said, named;
SELECT count(*) FROM chat_messages WHERE message_text = 'Once';
SELECT count(*) FROM chat_messages WHERE player_id = 'bob' AND client_message_id = 'p2' AND sender = 'player';
DROP INDEX once, hashed;
ALTER TABLE chat_messages DROP CONSTRAINT later;
RESET enable_seqscan;
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

-- a trigger that keeps a row from being what unichat has written: an error, and nothing is stored
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF pg_trigger_depth() < 3 THEN
        EXECUTE format('UPDATE public.%I SET player_name = player_name WHERE player_id = $1', TG_TABLE_NAME) USING NEW.player_id;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER meddle AFTER UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT seq FROM unichat_send('bob', 'one');
INSERT INTO chat_messages (player_id, message_text) VALUES ('bob', 'two');
SELECT unichat_block('bob', true);
DROP TRIGGER meddle ON chat_players;
CREATE TRIGGER meddle AFTER UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION meddle();
SELECT seq FROM unichat_send('bob', 'three');
DROP TRIGGER meddle ON chat_requests;
CREATE TRIGGER hush BEFORE UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('bob', 'four');
DROP TRIGGER hush ON chat_players;
CREATE TRIGGER hush BEFORE INSERT ON chat_players FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('new', 'five');
DROP TRIGGER hush ON chat_players;
CREATE TRIGGER hush BEFORE UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('bob', 'six');
DROP TRIGGER hush ON chat_requests;
CREATE TRIGGER hush BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('new', 'seven');
DROP TRIGGER hush ON chat_requests;
CREATE TRIGGER zzz_hush BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION hush();
SELECT seq FROM unichat_send('new', 'eight');
DROP TRIGGER zzz_hush ON chat_requests;
CREATE FUNCTION resolve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN UPDATE public.chat_requests SET status = 'resolved' WHERE id = NEW.id; RETURN NULL; END $$;
CREATE TRIGGER resolve AFTER INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION resolve();
SELECT seq FROM unichat_send('new', 'nine');
DROP TRIGGER resolve ON chat_requests;
CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.last_seq := NEW.last_seq + 1; RETURN NEW; END $$;
CREATE TRIGGER skip BEFORE UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION skip();
SELECT seq FROM unichat_send('bob', 'ten');
DROP TRIGGER skip ON chat_players;
SELECT count(*) FROM chat_players WHERE player_id = 'new';
-- one that changes the row as it goes by is heard
CREATE FUNCTION rename() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.player_name := 'Mr. ' || NEW.player_id; RETURN NEW; END $$;
CREATE TRIGGER rename BEFORE INSERT OR UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION rename();
CREATE TRIGGER rename BEFORE INSERT OR UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION rename();
SELECT seq FROM unichat_send('bob', 'eleven');
SELECT seq FROM unichat_send('new', 'twelve');
SELECT p.player_id, p.player_name, r.player_name, last_seq, (unichat_verify(p.player_id)).ok FROM chat_players p JOIN chat_requests r USING (player_id)
 WHERE player_id IN ('bob', 'new') ORDER BY 1;
DROP TRIGGER rename ON chat_players;
DROP TRIGGER rename ON chat_requests;

DROP TABLE heard, diary;
DROP FUNCTION conversation(text), hear(), shout(), hush(), meddle(), resolve(), skip(), rename();
DROP EXTENSION unichat;
