-- Many messages in one transaction, with everything in between that moves the rows they write to.
CREATE EXTENSION unichat;

BEGIN;
INSERT INTO chat_messages (player_id, message_text) SELECT 'bulk', 'a' || n FROM generate_series(1, 300) n;
SAVEPOINT s;
INSERT INTO chat_messages (player_id, message_text) SELECT 'bulk', 'lost' || n FROM generate_series(1, 300) n;
ROLLBACK TO s;
INSERT INTO chat_messages (player_id, message_text) VALUES ('bulk', 'after the rollback');
SELECT player_read_seq FROM unichat_read('bulk', 'player', 5);
UPDATE chat_players SET player_name = 'Bea' WHERE player_id = 'bulk';
INSERT INTO chat_messages (player_id, message_text) VALUES ('bulk', 'after other updates of the player');
SELECT status FROM unichat_status((SELECT id FROM chat_requests WHERE player_id = 'bulk'), 'resolved');
INSERT INTO chat_messages (player_id, message_text) SELECT 'bulk', 'b' || n FROM generate_series(1, 3) n;
INSERT INTO chat_messages (player_id, message_text, sender, sender_id) VALUES ('bulk', 'hello', 'staff', 'grace');
INSERT INTO chat_messages (player_id, message_text, sender) VALUES ('bulk', 'note', 'system');
INSERT INTO chat_messages (player_id, message_text)
    SELECT 'bulk' || n % 700, 'many players at once' FROM generate_series(1, 2100) n;
COMMIT;

-- without a gap, in two requests; every one of the 700 has three messages in one request
SELECT count(*), min(seq), max(seq), count(DISTINCT request_id) FROM chat_events WHERE player_id = 'bulk';
SELECT last_seq, player_name FROM chat_players WHERE player_id = 'bulk';
SELECT status, assigned_to, last_message FROM chat_requests WHERE player_id = 'bulk' ORDER BY id;
SELECT count(*) AS players, min(n), max(n) FROM
    (SELECT count(*) AS n FROM chat_messages WHERE player_id LIKE 'bulk_%' GROUP BY player_id HAVING count(DISTINCT request_id) = 1) p;
SELECT count(*) FROM chat_messages m LEFT JOIN chat_events e USING (player_id, seq) WHERE e.message_id IS DISTINCT FROM m.id;

DROP EXTENSION unichat;
