-- unichat_erase_player and unichat_prune.
CREATE EXTENSION unichat;

SELECT seq FROM unichat_send('ann', 'my secret number is 4711', 'player', 'ann@example.org', 'c1', 'Ann Secret');
SELECT seq FROM unichat_send('ann', 'thank you Ann Secret', 'staff', 'sue');
SELECT status FROM unichat_status(1, 'resolved', 'sue');
SELECT seq FROM unichat_send('ann', 'another secret');
SELECT seq FROM unichat_send('bob', 'mine stays', player_name => 'Bob');

SELECT unichat_erase_player('ann', 'dpo');
-- No text or name is left, wherever one looks.
SELECT count(*) FROM (
    SELECT to_jsonb(t)::text AS j FROM chat_players t UNION ALL SELECT to_jsonb(t)::text FROM chat_requests t
    UNION ALL SELECT to_jsonb(t)::text FROM chat_messages t UNION ALL SELECT to_jsonb(t)::text FROM chat_events t
    UNION ALL SELECT to_jsonb(t)::text FROM push_notifications t) everything
 WHERE j ~* 'secret|number|example';
-- The skeleton is.
SELECT seq, kind, from_status, to_status, actor, detail FROM chat_events WHERE player_id = 'ann' ORDER BY seq;
SELECT id, status, last_message, player_name FROM chat_requests WHERE player_id = 'ann' ORDER BY id;
SELECT regexp_replace(unichat_event('ann', 8), '\d{4}-\d\d-\d\dT[0-9:.]+Z|(?<="xid":")\d+', '', 'g');
SELECT unichat_event('ann', 2)::json ->> 'message' AS message;
SELECT player_id, message_text FROM chat_messages ORDER BY 1;
-- Again is fine, and the player may write again; seq goes on.
SELECT unichat_erase_player('ann');
SELECT request_id, seq, is_new_request FROM unichat_send('ann', 'me again', client_message_id => 'c1');

-- Pruning: what was resolved long enough ago, all of it, and nothing else.
SELECT status FROM unichat_status(3, 'resolved');
SELECT unichat_prune('1 hour');
SELECT unichat_prune('0', 'cron', 1);
SELECT unichat_prune('0', 'cron');
SELECT unichat_prune('0', 'cron');
SELECT id, player_id, status FROM chat_requests ORDER BY id;
SELECT player_id, seq, kind, actor, regexp_replace(detail::text, '[0-9a-f]{64}', 'HASH', 'g') AS detail FROM chat_events ORDER BY 1, 2;
SELECT player_id, last_seq FROM chat_players ORDER BY 1;
SELECT count(*) FROM push_notifications p LEFT JOIN chat_requests r ON r.id = p.request_id WHERE r.id IS NULL;
SELECT request_id, seq FROM unichat_send('bob', 'back again');

DROP EXTENSION unichat;
