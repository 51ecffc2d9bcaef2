-- CREATE, DROP, CREATE again in one session and in another schema; comments; what is left behind.
CREATE EXTENSION unichat;

-- everything that a user sees has a comment
SELECT c.oid::regclass FROM pg_class c, pg_depend d
 WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind = 'r'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat') AND obj_description(c.oid, 'pg_class') IS NULL;
SELECT p.oid::regprocedure FROM pg_proc p, pg_depend d
 WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat') AND obj_description(p.oid, 'pg_proc') IS NULL;

-- all data is in pg_dump's list
SELECT c.oid::regclass FROM pg_class c, pg_depend d, pg_extension e
 WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind IN ('r', 'S')
   AND d.refobjid = e.oid AND e.extname = 'unichat' AND c.oid <> ALL (e.extconfig)
   AND c.relname NOT LIKE 'unichat_keys%' AND c.relname <> 'unichat_secret' -- a restored database has its own
   AND c.relname <> 'push_turn'; -- which is empty

SELECT request_id, seq FROM unichat_send('ann', 'one');
DROP EXTENSION unichat;
SELECT request_id FROM unichat_send('ann', 'nobody home');
-- the same session, the same schema, other tables
CREATE EXTENSION unichat;
SELECT request_id, seq FROM unichat_send('ann', 'one');
SELECT status FROM unichat_status(1, 'resolved');
DROP EXTENSION unichat;

-- another schema, with a name that needs quotes, not in search_path
CREATE SCHEMA "Chat room";
CREATE EXTENSION unichat SCHEMA "Chat room";
SELECT request_id, seq FROM "Chat room".unichat_send('ann', 'one');
INSERT INTO "Chat room".chat_messages (player_id, message_text) VALUES ('ann', 'two');
SELECT seq, message_text FROM "Chat room".unichat_messages('ann');
SELECT request_id, unread FROM "Chat room".unichat_requests();
SELECT status FROM "Chat room".unichat_status(1, 'in_progress', 'sue');
SELECT count(*) FROM "Chat room".unichat_events_since('1:1:');
-- renamed in the middle of a session
ALTER SCHEMA "Chat room" RENAME TO chat;
SELECT request_id, seq FROM chat.unichat_send('ann', 'three');
SELECT seq, message_text FROM chat.unichat_messages('ann');
SELECT unichat_erase_player FROM chat.unichat_erase_player('ann');
SELECT subject_id FROM chat.unichat_revoke('staff', 'sue');
SELECT count(*) FROM chat.unichat_revocations();
SELECT blocked FROM chat.unichat_block('ann', true);
SELECT count(*) FROM chat.unichat_push_claim('1 minute', 10);
SELECT ok FROM chat.unichat_verify('ann');
SELECT length(chat.unichat_player_token('ann')) > 64 AS signed;
-- and in the middle of a statement, whose plan is made anew within it
CREATE FUNCTION again() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER SCHEMA %I RENAME TO %I', TG_TABLE_SCHEMA, NEW.message_text);
    EXECUTE format('SELECT %I.unichat_send(''log'', ''renamed'')', NEW.message_text);
    RETURN NULL;
END $$;
CREATE TRIGGER again AFTER INSERT ON chat.chat_messages FOR EACH ROW WHEN (NEW.player_id <> 'log') EXECUTE FUNCTION again();
SELECT request_id, seq FROM chat.unichat_send('bob', 'one');
SELECT request_id, seq FROM one.unichat_send('bob', 'two');
SELECT request_id, seq FROM two.unichat_send('bob', 'chat');
SELECT seq, message_text FROM chat.unichat_messages('log');
SELECT player_id FROM chat.unichat_read('bob', 'staff', 1);
SELECT count(*) FROM pg_backend_memory_contexts WHERE name = 'CachedPlanSource' AND ident ~ 'INSERT INTO .*chat_messages'; -- the newest alone

-- nothing is left behind
DROP EXTENSION unichat;
DROP SCHEMA chat;
DROP FUNCTION again();
SELECT proname FROM pg_proc WHERE proname LIKE '%unichat%';
SELECT relname FROM pg_class WHERE relname ~ '^(chat|push)_';
SELECT typname FROM pg_type WHERE typname ~ '^_?(unichat|chat_|push_)';

-- relocating is refused, our settings' prefix is ours
CREATE EXTENSION unichat;
CREATE SCHEMA elsewhere;
ALTER EXTENSION unichat SET SCHEMA elsewhere;
DROP SCHEMA elsewhere;
SET unichat.nonsense = 1;
DROP EXTENSION unichat;
