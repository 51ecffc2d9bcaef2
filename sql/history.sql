-- unichat_messages: pages of a player's history, by seq, across requests.
CREATE EXTENSION unichat;

INSERT INTO chat_messages (player_id, message_text) SELECT 'ann', 'm' || i FROM generate_series(1, 5) i;
SELECT status FROM unichat_status(1, 'resolved');
INSERT INTO chat_messages (player_id, message_text) SELECT 'ann', 'n' || i FROM generate_series(1, 3) i;
SELECT request_id FROM unichat_send('bob', 'not hers');

SELECT seq, request_id, message_text FROM unichat_messages('ann');
-- newest, before, after, both, limits
SELECT seq, message_text FROM unichat_messages('ann', max_rows => 2);
SELECT seq, message_text FROM unichat_messages('ann', before => 9, max_rows => 2);
SELECT seq, message_text FROM unichat_messages('ann', 3, max_rows => 2);
SELECT seq, message_text FROM unichat_messages('ann', 3, 6);
SELECT seq, message_text FROM unichat_messages('ann', 0, max_rows => 1);
SELECT count(*) FROM unichat_messages('ann', 11);
SELECT count(*) FROM unichat_messages('ann', 9999999999);
SELECT count(*) FROM unichat_messages('ann', before => 2);
SELECT count(*) FROM unichat_messages('ann', max_rows => 0);
SELECT count(*) FROM unichat_messages('ann', max_rows => -1);
SELECT count(*) FROM unichat_messages('nobody');
SELECT count(*) FROM unichat_messages(NULL);

DROP EXTENSION unichat;
