-- Others' trigger functions that run within ours: with the rights, and with the search_path, that they have said.
CREATE EXTENSION unichat;
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE carl IN ROLE unichat_app;
GRANT USAGE, CREATE ON SCHEMA public TO carl;
SET ROLE carl;
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
    PERFORM public.unichat_send('log', NEW.player_id || ', by ' || current_user, client_message_id => NEW.id::text);
    RETURN NULL;
END $$;
RESET ROLE;
CREATE TRIGGER answer AFTER INSERT ON chat_messages FOR EACH ROW WHEN (NEW.player_id <> 'log') EXECUTE FUNCTION answer();
SELECT seq FROM unichat_send('ann', 'one');
INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', 'two');
SELECT seq, message_text FROM chat_messages WHERE player_id = 'log' ORDER BY seq;
-- and what may not speak for the log does not
REVOKE unichat_app FROM carl;
GRANT unichat_player TO carl;
INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', 'three');
SELECT seq FROM unichat_send('ann', 'three');
DROP FUNCTION answer() CASCADE;
SELECT player_id, (unichat_verify(player_id)).ok FROM chat_players ORDER BY 1;

-- a search_path of its own, and unichat_publish, which sets one
CREATE SCHEMA app;
CREATE TABLE app.counted (table_name text, n int DEFAULT 1);
CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql SET search_path = app, public AS $$
BEGIN
    INSERT INTO counted VALUES (TG_TABLE_NAME);
    PERFORM unichat_publish('counted', TG_TABLE_NAME, 'null');
    RETURN NEW;
END $$;
CREATE TRIGGER count_it AFTER INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE TRIGGER count_it AFTER INSERT ON chat_events FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE TRIGGER count_it BEFORE UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION count_it();
CREATE TRIGGER count_it AFTER INSERT OR UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION count_it();
SELECT seq FROM unichat_send('bob', 'one');
SELECT seq FROM unichat_send('bob', 'two');
INSERT INTO chat_messages (player_id, message_text) VALUES ('bob', 'three');
SELECT (unichat_status(id, 'in_progress', 'sue')).status FROM chat_requests WHERE player_id = 'bob';
SELECT table_name, count(*) FROM app.counted GROUP BY 1 ORDER BY 1;
DROP FUNCTION count_it() CASCADE;
-- neither counts for what we do within such a function, or after one that leaves its search_path set
CREATE FUNCTION app.never(text, varchar) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'trapped, as %', current_user; END $$;
CREATE OPERATOR app.<> (LEFTARG = text, RIGHTARG = varchar, FUNCTION = app.never);
CREATE OPERATOR app.<> (LEFTARG = text, RIGHTARG = text, FUNCTION = texteq);
CREATE OPERATOR app.= (LEFTARG = text, RIGHTARG = text, FUNCTION = textne);
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql SET search_path = app, pg_catalog AS $$
BEGIN
    PERFORM public.unichat_send('log', NEW.message_text);
    RETURN NULL;
END $$;
CREATE FUNCTION litter() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM set_config('search_path', 'app, pg_catalog', false); RETURN NULL; END $$;
CREATE TRIGGER answer AFTER INSERT ON chat_messages FOR EACH ROW WHEN (NEW.player_id <> 'log') EXECUTE FUNCTION answer();
CREATE TRIGGER litter AFTER INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION litter();
SELECT seq FROM unichat_send('cid', 'one');
SHOW search_path;
SELECT status, (unichat_status(id, 'resolved')).status FROM chat_requests WHERE player_id IN ('log', 'cid') ORDER BY player_id;
SELECT seq, is_new_request FROM unichat_send('cid', 'two');
SELECT (unichat_verify(player_id)).ok, player_id FROM chat_players ORDER BY 2;

DROP OWNED BY carl;
DROP EXTENSION unichat;
DROP SCHEMA app CASCADE;
DROP ROLE carl;
DROP FUNCTION answer(), litter();
