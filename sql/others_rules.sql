-- What others' triggers do while a statement of ours runs obeys the rules, as anybody's statement does.
CREATE EXTENSION unichat;
\set SHOW_CONTEXT never
CREATE FUNCTION act() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN EXECUTE TG_ARGV[0] USING NEW, OLD; RETURN coalesce(NEW, OLD); END $$;
CREATE VIEW trail AS SELECT player_id, seq, kind, from_status, to_status, assigned_to, actor FROM chat_events ORDER BY player_id, seq;

-- claims the request that a message has opened
CREATE TRIGGER act AFTER INSERT ON chat_requests FOR EACH ROW
    EXECUTE FUNCTION act('UPDATE public.chat_requests SET status = ''in_progress'', assigned_to = ''sue'' WHERE id = $1.id');
SELECT status, is_new_request FROM unichat_send('ann', 'help');
INSERT INTO chat_messages (player_id, message_text) VALUES ('bob', 'help');
INSERT INTO chat_requests (player_id) VALUES ('cid');
SELECT player_id, status, assigned_to, updated_at > created_at AS later FROM chat_requests ORDER BY 1;
SELECT * FROM trail;
DROP TRIGGER act ON chat_requests;
-- resolves it while the player's row is being changed: the seq that was taken is not the newest any more
CREATE TRIGGER act AFTER UPDATE ON chat_players FOR EACH ROW
    EXECUTE FUNCTION act('UPDATE public.chat_requests SET status = ''resolved'' WHERE player_id = $1.player_id AND status = ''in_progress''');
SELECT unichat_send('dan', 'help') IS NOT NULL AS sent;
SELECT seq FROM unichat_send('dan', 'yes?', 'staff', 'sue');
DROP TRIGGER act ON chat_players;
-- resolves it as soon as unichat_status has claimed it, without the actor of that
CREATE TRIGGER act AFTER UPDATE ON chat_requests FOR EACH ROW WHEN (NEW.status = 'in_progress')
    EXECUTE FUNCTION act('UPDATE public.chat_requests SET status = ''resolved'' WHERE id = $1.id');
SELECT (unichat_status(id, 'in_progress', 'sue')).status FROM chat_requests WHERE player_id = 'dan';
SELECT status, resolved_at IS NOT NULL AS resolved FROM chat_requests WHERE player_id = 'dan';
SELECT * FROM trail WHERE player_id = 'dan';
DROP TRIGGER act ON chat_requests;
-- changes the row as it goes by, to what the rules do not allow
CREATE FUNCTION set_owner() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.assigned_to := 'eve'; RETURN NEW; END $$;
CREATE FUNCTION set_status() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.status := 'resolved'; RETURN NEW; END $$;
CREATE FUNCTION set_id() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.id := 7; RETURN NEW; END $$;
CREATE TRIGGER act BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION set_owner();
SELECT seq FROM unichat_send('eve', 'help');
DROP TRIGGER act ON chat_requests;
CREATE TRIGGER act BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION set_status();
SELECT seq FROM unichat_send('eve', 'help');
DROP TRIGGER act ON chat_requests;
CREATE TRIGGER act BEFORE INSERT ON chat_requests FOR EACH ROW EXECUTE FUNCTION set_id();
SELECT seq FROM unichat_send('eve', 'help');
DROP TRIGGER act ON chat_requests;
SELECT seq FROM unichat_send('eve', 'help');
CREATE TRIGGER act BEFORE UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION set_status();
SELECT seq FROM unichat_send('eve', 'yes?', 'staff', 'sue');
SELECT seq FROM unichat_send('eve', 'more');
DROP TRIGGER act ON chat_requests;
CREATE TRIGGER act BEFORE UPDATE ON chat_requests FOR EACH ROW EXECUTE FUNCTION set_owner();
SELECT seq FROM unichat_send('eve', 'yes?', 'staff', 'sue');
DROP TRIGGER act ON chat_requests;
-- sends a message while unichat_send does: each has its own name and its own answer
CREATE TRIGGER act BEFORE INSERT ON chat_messages FOR EACH ROW WHEN (NEW.player_id = 'fay')
    EXECUTE FUNCTION act('INSERT INTO public.chat_messages (player_id, message_text) VALUES (''log'', $1.message_text)');
SELECT seq, is_new_request, message_id FROM unichat_send('fay', 'help', player_name => 'Fay') \gset
SELECT player_id, seq, :'is_new_request' AS is_new_request FROM chat_messages WHERE id = :message_id;
SELECT player_id, player_name FROM chat_players WHERE player_id IN ('fay', 'log') ORDER BY 1;
DROP TRIGGER act ON chat_messages;
-- deletes history while we erase and prune
CREATE TRIGGER act AFTER DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION act('DELETE FROM public.chat_events WHERE player_id = ''ann''');
SELECT unichat_erase_player('fay');
SELECT (unichat_status(id, 'resolved')).status FROM chat_requests WHERE player_id = 'fay';
SELECT unichat_prune('0');
DROP TRIGGER act ON chat_messages;
SELECT count(*) FROM chat_messages WHERE player_id = 'fay';
-- keeps what is to be erased or pruned: then nothing is
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN CASE TG_ARGV[0] WHEN 'nothing' THEN NULL ELSE OLD END; END $$;
SELECT seq FROM unichat_send('hal', 'keep this', player_name => 'Hal');
INSERT INTO push_attempts (push_id, attempt, outcome, error) SELECT id, 1, 'failed', 'keep this' FROM push_notifications WHERE player_id = 'hal';
CREATE TRIGGER keep BEFORE DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_erase_player('hal');
DROP TRIGGER keep ON chat_messages;
CREATE TRIGGER keep BEFORE UPDATE ON push_notifications FOR EACH ROW EXECUTE FUNCTION keep('the row');
SELECT unichat_erase_player('hal');
DROP TRIGGER keep ON push_notifications;
CREATE TRIGGER keep BEFORE UPDATE ON push_notifications FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_erase_player('hal');
DROP TRIGGER keep ON push_notifications;
CREATE TRIGGER keep BEFORE UPDATE ON push_attempts FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_erase_player('hal');
DROP TRIGGER keep ON push_attempts;
CREATE FUNCTION keep_name() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.player_name := OLD.player_name; RETURN NEW; END $$;
CREATE TRIGGER keep BEFORE UPDATE ON chat_players FOR EACH ROW EXECUTE FUNCTION keep_name();
SELECT unichat_erase_player('hal');
DROP TRIGGER keep ON chat_players;
SELECT player_name, status, title <> '' AS titled, error, message_text FROM chat_players p JOIN chat_requests r USING (player_id, player_name)
    JOIN push_notifications n ON n.request_id = r.id JOIN push_attempts ON push_id = n.id JOIN chat_messages m ON m.request_id = r.id WHERE p.player_id = 'hal';
SELECT (unichat_status(id, 'resolved')).status FROM chat_requests WHERE player_id = 'hal';
CREATE TRIGGER keep BEFORE DELETE ON push_notifications FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_prune('0');
DROP TRIGGER keep ON push_notifications;
CREATE TRIGGER keep BEFORE DELETE ON chat_messages FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_prune('0');
DROP TRIGGER keep ON chat_messages;
CREATE TRIGGER keep BEFORE DELETE ON chat_requests FOR EACH ROW EXECUTE FUNCTION keep('nothing');
SELECT unichat_prune('0');
DROP TRIGGER keep ON chat_requests;
SELECT count(*) FROM chat_messages WHERE player_id = 'hal';
SELECT unichat_erase_player('hal');
SELECT p.player_name, title, error FROM chat_players p JOIN chat_requests r USING (player_id)
    JOIN push_notifications n ON n.request_id = r.id JOIN push_attempts ON push_id = n.id WHERE p.player_id = 'hal';
-- writes an event while we do: it is the owner's, and restored
CREATE TRIGGER act AFTER INSERT ON chat_messages FOR EACH ROW
    EXECUTE FUNCTION act('INSERT INTO public.chat_events (player_id, seq, kind, at) VALUES (''ghost'', 1, ''message'', now())');
SELECT seq FROM unichat_send('gus', 'help');
SELECT player_id, seq, xid FROM chat_events WHERE player_id = 'ghost';
DROP TRIGGER act ON chat_messages;
SELECT player_id, (unichat_verify(player_id)).ok FROM chat_players ORDER BY 1;

DROP VIEW trail;
DROP EXTENSION unichat;
DROP FUNCTION act(), set_owner(), set_status(), set_id(), keep(), keep_name();
