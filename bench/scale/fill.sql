-- 20 messages in 2 requests for each player, as a restore would bring them back; every tenth player's second one is open.
-- psql -v players=N; without it 50,000, which makes 1,000,000 messages in 100,000 requests, 5,000 of them open.
-- VACUUM ANALYZE afterwards.
-- Each player: request_created 1, messages 2-11, resolved 12; request_created 13, messages 14-23 (, resolved 24).
\if :{?players}
\else
\set players 50000
\endif
SET session_replication_role = replica;
SET synchronous_commit = off;

INSERT INTO chat_players (player_id, player_name, last_seq, staff_read_seq, created_at)
SELECT 'player-' || i, 'Player ' || i, CASE WHEN i % 10 = 0 THEN 23 ELSE 24 END, 12, now() - interval '300 days'
  FROM generate_series(1, :players) i;

INSERT INTO chat_requests (id, player_id, player_name, status, urgency, assigned_to, created_at, updated_at,
                           waiting_since, first_response_at, resolved_at, last_message, last_message_sender, last_message_at)
SELECT n, 'player-' || i, 'Player ' || i, s.status, (ARRAY['low', 'normal', 'normal', 'normal', 'high', 'urgent'])[1 + n % 6],
       CASE s.status WHEN 'in_progress' THEN 'staff-' || i % 20 END, t.at, t.at, CASE WHEN s.status <> 'resolved' THEN t.at END,
       t.at, CASE s.status WHEN 'resolved' THEN t.at + interval '1 hour' END, 'message number 10', 'player', t.at
  FROM generate_series(1, :players) i, generate_series(0, 1) r,
       LATERAL (SELECT (i - 1) * 2 + r + 1 AS n) id,
       LATERAL (SELECT CASE WHEN r = 0 OR i % 10 <> 0 THEN 'resolved' WHEN i % 20 = 0 THEN 'in_progress' ELSE 'waiting' END AS status) s,
       LATERAL (SELECT now() - (:players * 2 + 1 - n) * interval '4 minutes' AS at) t;

INSERT INTO chat_messages (id, request_id, player_id, seq, sender, sender_id, message_text, "timestamp", client_message_id)
SELECT (r.id - 1) * 10 + m, r.id, r.player_id, CASE r.id % 2 WHEN 1 THEN 1 ELSE 13 END + m,
       CASE WHEN m % 3 = 0 THEN 'staff' ELSE 'player' END, CASE WHEN m % 3 = 0 THEN 'staff-1' END,
       'message number ' || m || ' about the coins that are missing since yesterday', r.created_at + m * interval '1 second',
       'client-' || r.id || '-' || m
  FROM (SELECT id, player_id, created_at FROM chat_requests ORDER BY id) r, generate_series(1, 10) m;

INSERT INTO chat_events (player_id, seq, request_id, kind, message_id, to_status, urgency, at, xid)
SELECT player_id, seq, request_id, 'message', id, 'waiting', 'normal', "timestamp", '3'::xid8 FROM chat_messages
UNION ALL
SELECT player_id, CASE id % 2 WHEN 1 THEN 1 ELSE 13 END, id, 'request_created', (id - 1) * 10 + 1, 'waiting', urgency, created_at, '3'
  FROM chat_requests
UNION ALL
SELECT player_id, CASE id % 2 WHEN 1 THEN 12 ELSE 24 END, id, 'resolved', NULL, 'resolved', urgency, resolved_at, '3'
  FROM chat_requests WHERE status = 'resolved';

INSERT INTO push_notifications (request_id, player_id, urgency, title, body, state, attempts, last_attempt_at, sent_at)
SELECT id, player_id, urgency, player_name, last_message, 'sent', 1, created_at, created_at FROM chat_requests;

INSERT INTO push_attempts (push_id, attempt, outcome) SELECT id, 1, 'sent' FROM push_notifications;

SELECT setval('chat_requests_id_seq', :players * 2), setval('chat_messages_id_seq', :players * 20);
RESET session_replication_role;
