-- Who may do what; and that nobody can make the owner do more.
CREATE EXTENSION unichat SCHEMA public;

CREATE ROLE unichat_test_insert;
CREATE ROLE unichat_test_call;
CREATE ROLE unichat_test_nobody;
GRANT unichat_app TO unichat_test_insert;
GRANT INSERT ON chat_requests, chat_events TO unichat_test_insert;
GRANT EXECUTE ON FUNCTION unichat_send, unichat_status TO unichat_test_call;

-- Nothing is for PUBLIC.
SELECT p.oid::regprocedure FROM pg_proc p, pg_depend d
 WHERE d.objid = p.oid AND d.classid = 'pg_proc'::regclass AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat')
   AND has_function_privilege('unichat_test_nobody', p.oid, 'EXECUTE');
SELECT c.oid::regclass FROM pg_class c, pg_depend d
 WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass AND d.deptype = 'e' AND c.relkind NOT IN ('i', 'I', 'c')
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat')
   AND (CASE c.relkind WHEN 'S' THEN has_sequence_privilege('unichat_test_nobody', c.oid, 'USAGE,SELECT,UPDATE')
                       ELSE has_table_privilege('unichat_test_nobody', c.oid, 'SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER')
                            OR has_any_column_privilege('unichat_test_nobody', c.oid, 'SELECT,INSERT,UPDATE,REFERENCES') END);
SELECT t.oid::regtype FROM pg_type t, pg_depend d
 WHERE (d.classid, d.objid) IN (('pg_type'::regclass, t.oid), ('pg_class'::regclass, t.typrelid)) AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat')
   AND has_type_privilege('unichat_test_nobody', t.oid, 'USAGE');
SELECT count(*) > 7 AS looked_at FROM pg_type t, pg_depend d
 WHERE (d.classid, d.objid) IN (('pg_type'::regclass, t.oid), ('pg_class'::regclass, t.typrelid)) AND d.deptype = 'e'
   AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'unichat');
SET ROLE unichat_test_nobody;
CREATE TEMPORARY TABLE blocking (x chat_messages);
CREATE TEMPORARY TABLE blocking (x unichat_sent);
RESET ROLE;
SET ROLE unichat_test_nobody;
SELECT unichat_send('p', 'hi');
INSERT INTO chat_messages (player_id, message_text) VALUES ('p', 'hi');
RESET ROLE;

-- Members of unichat_app write messages and no more: requests, seqs, events, pushes are written by the owner.
SET ROLE unichat_test_insert;
INSERT INTO chat_messages (player_id, message_text) VALUES ('p', 'hi'), ('p', 'there');
SELECT player_id, seq, message_text FROM chat_messages;
SELECT * FROM push_notifications;
INSERT INTO chat_messages (player_id, message_text, seq) VALUES ('p', 'hi', 77);
INSERT INTO chat_messages (player_id, message_text, id) VALUES ('p', 'hi', 77);
INSERT INTO chat_messages (player_id, message_text, "timestamp") VALUES ('p', 'hi', now());
INSERT INTO chat_messages (id, request_id, player_id, seq, message_text, "timestamp") VALUES (1, 1, 'p', 77, 'forged', now());
INSERT INTO chat_requests (id, player_id, created_at, updated_at) VALUES (77, 'q', now(), now());
INSERT INTO chat_events (player_id, seq, kind, at) VALUES ('p', 77, 'message', now());
UPDATE chat_requests SET status = 'in_progress', assigned_to = 'sue' WHERE player_id = 'p';
SELECT player_id, status, assigned_to FROM chat_requests;
SELECT current_user;
RESET ROLE;

-- Who was granted more by mistake sees nothing all the same: no policy is for him.
GRANT SELECT ON ALL TABLES IN SCHEMA public TO unichat_test_nobody;
GRANT INSERT, UPDATE ON chat_messages, chat_requests, unichat_keys TO unichat_test_nobody;
SET ROLE unichat_test_nobody;
SELECT (SELECT count(*) FROM chat_players), (SELECT count(*) FROM chat_requests), (SELECT count(*) FROM chat_messages),
       (SELECT count(*) FROM chat_events), (SELECT count(*) FROM push_notifications), (SELECT count(*) FROM unichat_keys);
INSERT INTO chat_messages (player_id, message_text) VALUES ('p', 'hi');
INSERT INTO unichat_keys (secret) VALUES ('mine');
UPDATE chat_requests SET status = 'resolved' RETURNING id;
RESET ROLE;
REVOKE ALL ON ALL TABLES IN SCHEMA public FROM unichat_test_nobody;

-- EXECUTE alone, likewise.
SET ROLE unichat_test_call;
SELECT request_id, seq FROM unichat_send('q', 'hello');
SELECT status FROM unichat_status(2, 'resolved');
SELECT unichat_send('q', '');
SELECT current_user, current_setting('search_path');
SELECT count(*) FROM chat_messages;
RESET ROLE;

-- A hostile schema first in search_path, with operators, functions, types and tables of our names: not looked at.
CREATE SCHEMA hostile AUTHORIZATION unichat_test_call;
SET ROLE unichat_test_call;
CREATE FUNCTION hostile.evil() RETURNS void LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the trap worked, as %', current_user; END $$;
CREATE FUNCTION hostile.clock_timestamp() RETURNS timestamptz LANGUAGE sql AS $$ SELECT hostile.evil(); SELECT now() $$;
CREATE FUNCTION hostile.coalesce(text, text) RETURNS text LANGUAGE sql AS $$ SELECT hostile.evil(); SELECT ''::text $$;
CREATE FUNCTION hostile.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.evil(); RETURN true; END $$;
CREATE FUNCTION hostile.plus(bigint, bigint) RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN PERFORM hostile.evil(); RETURN 0; END $$;
CREATE OPERATOR hostile.= (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = hostile.eq);
CREATE OPERATOR hostile.+ (LEFTARG = bigint, RIGHTARG = bigint, FUNCTION = hostile.plus);
CREATE TABLE hostile.chat_requests (id int);
CREATE TABLE hostile.chat_players (player_id int);
CREATE TABLE hostile.push_notifications (id int);
SET search_path = hostile, pg_catalog, public;
SELECT request_id, seq, status FROM public.unichat_send('q', 'through the trap', client_message_id => 'x');
SELECT status FROM public.unichat_status(3, 'in_progress', 'sue');
CREATE TEMP TABLE chat_messages (player_id text);
CREATE TEMP TABLE chat_events (player_id text);
SELECT seq FROM public.unichat_send('q', 'and again');
RESET search_path;
RESET ROLE;
DROP TABLE pg_temp.chat_messages, pg_temp.chat_events;

-- Within the owner's frame nobody changes the role, and afterwards all is as it was, after an error too.
CREATE FUNCTION climb() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN SET ROLE unichat_test_nobody; RETURN NEW; END $$;
CREATE TRIGGER climb BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION climb();
SET ROLE unichat_test_call;
SELECT unichat_send('q', 'climbing');
SELECT current_user, current_setting('search_path');
RESET ROLE;
DROP TRIGGER climb ON chat_messages;
DROP FUNCTION climb();

DROP SCHEMA hostile CASCADE;
DROP EXTENSION unichat;
DROP ROLE unichat_test_insert;
DROP ROLE unichat_test_call;
DROP ROLE unichat_test_nobody;
