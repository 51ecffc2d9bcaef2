-- Rows that a restore brings back, as COPY does it: stored as they are, in silence; then the chat goes on.
-- (The whole way through pg_dump is in tests/extension/restore.sh.)
CREATE EXTENSION unichat;

COPY chat_players (player_id, player_name, last_seq, player_read_seq, staff_read_seq, blocked, created_at) FROM stdin;
ann	Ann	2	0	0	f	2020-01-01 00:00:00+00
\.
COPY chat_requests (id, player_id, player_name, status, urgency, assigned_to, created_at, updated_at, waiting_since, last_message) FROM stdin;
7	ann	Ann	waiting	high	\N	2020-01-01 00:00:00+00	2020-01-01 00:00:00+00	2020-01-01 00:00:00+00	Hello
\.
COPY chat_messages (id, request_id, player_id, seq, sender, message_text, "timestamp", client_message_id) FROM stdin;
9	7	ann	2	player	Hello	2020-01-01 00:00:00+00	c1
\.
COPY chat_events (player_id, seq, request_id, kind, message_id, to_status, urgency, at, xid) FROM stdin;
ann	1	7	request_created	9	waiting	high	2020-01-01 00:00:00+00	123456789012
ann	2	7	message	9	waiting	high	2020-01-01 00:00:00+00	123456789012
\.
SELECT setval('chat_requests_id_seq', 7), setval('chat_messages_id_seq', 9);

-- no event was made, no push queued, and their xid is older than every snapshot
SELECT player_id, seq, kind, xid FROM chat_events ORDER BY seq;
SELECT count(*) FROM push_notifications;
SELECT count(*) FROM unichat_events_since(pg_current_snapshot());
SELECT message_id, request_id, is_replay FROM unichat_send('ann', 'Hello', client_message_id => 'c1');
SELECT message_id, request_id, seq, is_new_request FROM unichat_send('ann', 'I am back');
SELECT unichat_event('ann', 1);

-- half of the assigned columns is not a restored row
INSERT INTO chat_messages (player_id, message_text, id) VALUES ('ann', 'x', 10);
INSERT INTO chat_messages (player_id, message_text, "timestamp") VALUES ('ann', 'x', now());
INSERT INTO chat_messages (player_id, message_text, seq) VALUES ('ann', 'x', 10);

DROP EXTENSION unichat;
