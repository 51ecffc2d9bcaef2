-- History is changed and deleted by unichat_erase_player and unichat_prune, and by nothing else; and each of these says so.
CREATE EXTENSION unichat;
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE statement;
    RETURN 'done';
EXCEPTION WHEN OTHERS THEN
    RETURN concat_ws(' ', SQLSTATE, SQLERRM);
END $$;
SELECT seq FROM unichat_send('ann', 'one', player_name => 'Ann');
SELECT seq FROM unichat_send('ann', 'two', 'staff', 'sue');
SELECT status FROM unichat_status(1, 'resolved', 'sue');

-- The owner of the tables, by every kind of statement.
SELECT tried($$UPDATE chat_events SET actor = 'tom'$$);
SELECT tried($$UPDATE chat_events SET hash = NULL$$);
SELECT tried($$DELETE FROM chat_events$$);
SELECT tried($$WITH gone AS (DELETE FROM chat_events RETURNING *) SELECT count(*) FROM gone$$);
SELECT tried($$TRUNCATE chat_events$$);
SELECT tried($$TRUNCATE chat_players, chat_requests, chat_messages, chat_events CASCADE$$);
SELECT tried($$INSERT INTO chat_events SELECT * FROM chat_events ON CONFLICT (player_id, seq) DO UPDATE SET actor = 'tom'$$);
SELECT tried($$MERGE INTO chat_events e USING (VALUES ('ann')) v (p) ON e.player_id = v.p WHEN MATCHED THEN UPDATE SET actor = 'tom'$$);
SELECT tried($$MERGE INTO chat_events e USING (VALUES ('ann')) v (p) ON e.player_id = v.p WHEN MATCHED THEN DELETE$$);
SELECT tried($$UPDATE chat_messages SET message_text = 'never said'$$);
SELECT tried($$DELETE FROM chat_messages$$);
SELECT tried($$DELETE FROM chat_requests$$);
SELECT tried($$DELETE FROM chat_players$$);
SELECT tried($$UPDATE chat_requests SET created_at = now(), last_message = 'never said'$$);
BEGIN;
DECLARE c CURSOR FOR SELECT * FROM chat_events FOR UPDATE;
FETCH 1 FROM c \g /dev/null
DELETE FROM chat_events WHERE CURRENT OF c;
ROLLBACK;
-- through a view, a parent table, a partition
CREATE VIEW seen AS SELECT * FROM chat_events;
SELECT tried('DELETE FROM seen');
DROP VIEW seen;
CREATE TABLE parent (player_id text COLLATE "C" NOT NULL);
ALTER TABLE chat_events INHERIT parent;
SELECT tried('DELETE FROM parent');
SELECT tried('TRUNCATE parent');
ALTER TABLE chat_events NO INHERIT parent;
DROP TABLE parent;
-- from within a message, where unichat itself takes back what nobody has seen
CREATE FUNCTION vandal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN DELETE FROM public.chat_events; RETURN NEW; END $$;
CREATE TRIGGER vandal BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION vandal();
SELECT tried($$SELECT unichat_send('bob', 'hi')$$);
DROP TRIGGER vandal ON chat_requests;
CREATE OR REPLACE FUNCTION vandal() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN TRUNCATE public.chat_events; RETURN NULL; END $$;
CREATE TRIGGER vandal AFTER DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION vandal();
SELECT tried($$SELECT unichat_erase_player('ann')$$);
DROP TRIGGER vandal ON chat_messages;
DROP FUNCTION vandal();

-- Everybody else has not even the right to try.
CREATE FUNCTION each_role(statement text) RETURNS TABLE (role text, result text) LANGUAGE plpgsql AS $$
BEGIN
    FOREACH role IN ARRAY ARRAY['unichat_app', 'unichat_bridge', 'unichat_admin', 'unichat_player'] LOOP
        EXECUTE 'SET LOCAL ROLE ' || role;
        result := tried(statement);
        RESET ROLE;
        RETURN NEXT;
    END LOOP;
END $$;
SELECT regexp_replace(result, 'must be superuser .* to COPY', 'permission denied to COPY' /* since 16 */) COLLATE "C" AS result, count(*) FROM unnest(ARRAY[
    'UPDATE chat_events SET actor = NULL', 'DELETE FROM chat_events', 'TRUNCATE chat_events',
    $$INSERT INTO chat_events (player_id, seq, kind, at) VALUES ('ann', 99, 'message', now())$$,
    $$COPY chat_events FROM '/dev/null'$$, 'DELETE FROM chat_messages', 'UPDATE chat_messages SET sender = NULL', 'DELETE FROM chat_requests',
    'DELETE FROM chat_players', 'UPDATE chat_players SET last_seq = 0',
    'SET session_replication_role = replica', 'ALTER TABLE chat_events DISABLE TRIGGER ALL', 'DROP TABLE chat_events CASCADE',
    'ALTER TABLE chat_events DROP COLUMN actor', 'CREATE RULE r AS ON INSERT TO chat_events DO INSTEAD NOTHING',
    'CREATE TRIGGER t BEFORE INSERT ON chat_events FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE POLICY p ON chat_events USING (true)', 'ALTER TABLE chat_messages ALTER sender SET DEFAULT ''staff''', 'DROP EXTENSION unichat',
    'ALTER FUNCTION unichat_prune RENAME TO x', 'CREATE OR REPLACE FUNCTION unichat_append_only() RETURNS trigger LANGUAGE plpgsql AS $x$ BEGIN RETURN NULL; END $x$']) s,
    LATERAL each_role(s) GROUP BY 1 ORDER BY 1;
SELECT result, array_agg(role) FROM each_role('SELECT unichat_prune(''0'')') GROUP BY 1 ORDER BY 1;
SELECT result, array_agg(role) FROM each_role('SELECT unichat_erase_player(''bob'')') GROUP BY 1 ORDER BY 1;

-- What is allowed leaves its own trace, also when it is done in a transaction with more.
SELECT seq FROM unichat_send('ann', 'three');
SELECT unichat_erase_player('ann', 'dpo');
SELECT player_id, seq, kind, actor FROM chat_events ORDER BY player_id, seq;
SELECT unichat_prune('0', 'cron');
SELECT player_id, seq, kind, actor FROM chat_events ORDER BY player_id, seq;
SELECT ok FROM unichat_verify('ann');
DROP EXTENSION unichat;
DROP FUNCTION tried(text), each_role(text);
