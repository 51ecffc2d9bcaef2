-- The table is the API: INSERT and COPY do what unichat_send does.
CREATE EXTENSION unichat;

INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', 'one') RETURNING id, request_id, player_id, seq, sender;
INSERT INTO chat_messages (player_id, message_text, sender, sender_id) VALUES ('ann', 'two', 'staff', 'sue');

-- Many rows, several players, staff and players mixed, in one statement.
INSERT INTO chat_messages (player_id, message_text, sender, sender_id) VALUES
    ('bob', 'b1', 'player', NULL), ('ann', 'a3', 'player', NULL), ('bob', 'b2', 'staff', 'tom'),
    ('bob', 'b3', 'player', NULL), ('cyd', 'c1', 'player', NULL);

COPY chat_messages (player_id, message_text, client_message_id) FROM stdin;
ann	copied	k1
dan	copied	k1
ann	copied again	k1
\.

-- A replay stores nothing, and says so.
INSERT INTO chat_messages (player_id, message_text, client_message_id) VALUES ('dan', 'again', 'k1');
INSERT INTO chat_messages (player_id, message_text, client_message_id) VALUES ('dan', 'again', 'k1'), ('dan', 'new', 'k2');

SELECT player_id, seq, request_id, sender, sender_id, message_text, client_message_id FROM chat_messages ORDER BY 1, 2;
SELECT player_id, seq, kind, from_status, to_status, assigned_to FROM chat_events ORDER BY 1, 2;
SELECT id, player_id, status, assigned_to, last_message FROM chat_requests ORDER BY 1;

-- A request can be inserted by itself; the first message then finds it.
INSERT INTO chat_requests (player_id, player_name, urgency) VALUES ('eve', 'Eve', 'low') RETURNING id, status, urgency;
SELECT request_id, seq, is_new_request FROM unichat_send('eve', 'here I am');
INSERT INTO chat_requests (player_id) VALUES ('eve');
INSERT INTO chat_requests (player_id) VALUES ('eve') ON CONFLICT DO NOTHING;
INSERT INTO chat_requests (player_id, status) VALUES ('fay', 'resolved');
INSERT INTO chat_requests (player_id, last_message) VALUES ('fay', 'invented');
INSERT INTO chat_requests (player_id, urgency) VALUES ('fay', 'very');
SELECT player_id, seq, kind FROM chat_events WHERE player_id IN ('eve', 'fay') ORDER BY 2;
SELECT player_id, player_name, last_seq FROM chat_players WHERE player_id IN ('eve', 'fay');

-- INSERT … SELECT, a CTE, a function: all the same.
INSERT INTO chat_messages (player_id, message_text) SELECT 'gus', 'm' || i FROM generate_series(1, 1000) i;
SELECT count(*), min(seq), max(seq), count(DISTINCT seq), count(DISTINCT request_id) FROM chat_messages WHERE player_id = 'gus';
SELECT count(*), max(seq) FROM chat_events WHERE player_id = 'gus';

-- An application's own trigger is heard: what it changes is what is stored and what is announced.
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.message_text = 'never' THEN RETURN NULL; END IF;
    NEW.message_text := upper(NEW.message_text);
    RETURN NEW;
END $$;
CREATE TRIGGER shout BEFORE INSERT ON chat_messages FOR EACH ROW EXECUTE FUNCTION shout();
INSERT INTO chat_messages (player_id, message_text) VALUES ('hal', 'quiet'), ('hal', 'never'), ('hal', 'calm');
SELECT seq, message_text FROM chat_messages WHERE player_id = 'hal' ORDER BY 1;
SELECT seq, unichat_event('hal', seq)::json ->> 'message' AS message, unichat_event('hal', seq)::json ->> 'lastMessage' AS last
  FROM chat_events WHERE player_id = 'hal' ORDER BY 1;
SELECT unichat_send('hal', 'never');
DROP TRIGGER shout ON chat_messages;
DROP FUNCTION shout();

-- A trigger that answers by itself, from within unichat_send.
CREATE FUNCTION answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('INSERT INTO %I.chat_messages (player_id, message_text, sender) VALUES ($1, $2, $3)', TG_TABLE_SCHEMA)
      USING NEW.player_id, 'We will be right with you'::text, 'system'::text;
    RETURN NULL;
END $$;
CREATE TRIGGER answer AFTER INSERT ON chat_messages FOR EACH ROW WHEN (NEW.sender = 'player') EXECUTE FUNCTION answer();
SELECT message_id IS NOT NULL AS stored, seq, is_new_request, is_replay FROM unichat_send('ian', 'anybody?', player_name => 'Ian');
SELECT seq, kind FROM chat_events WHERE player_id = 'ian' ORDER BY 1;
SELECT seq, sender, message_text FROM chat_messages WHERE player_id = 'ian' ORDER BY 1;
DROP TRIGGER answer ON chat_messages;
DROP FUNCTION answer();

DROP EXTENSION unichat;
