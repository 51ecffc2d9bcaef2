-- unichat_block: a player whose messages are refused.
CREATE EXTENSION unichat;
SELECT seq FROM unichat_send('ann', 'hello');
SELECT player_id, blocked, last_seq FROM unichat_block('ann', true, 'sue');
-- the same again is quiet
SELECT player_id, blocked, last_seq FROM unichat_block('ann', true, 'tom');
SELECT unichat_send('ann', 'let me');
INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', 'let me');
-- the staff and the system may write
SELECT seq FROM unichat_send('ann', 'You are blocked', 'staff', 'sue');
SELECT seq FROM unichat_send('ann', 'This is logged', 'system');
SELECT status FROM unichat_status(1, 'resolved', 'sue');
SELECT unichat_send('ann', 'a new chat, then');
SELECT player_id, blocked, last_seq FROM unichat_block('ann', false, 'sue');
SELECT seq FROM unichat_send('ann', 'thank you');
SELECT seq, kind, request_id, actor, hash IS NOT NULL AS chained FROM chat_events WHERE player_id = 'ann' ORDER BY seq;
SELECT regexp_replace(unichat_event('ann', 3), '\d{4}-\d\d-\d\dT[0-9:.]+Z|(?<="xid":")\d+', '', 'g');
SELECT ok, events FROM unichat_verify('ann');
-- in the transaction of the block
BEGIN;
SELECT seq FROM unichat_send('ann', 'one'), unichat_block('ann', true);
SELECT unichat_send('ann', 'two');
ROLLBACK;
SELECT unichat_block('nobody', true);
SELECT unichat_block('ann', NULL);
SELECT unichat_block('', true);
SELECT unichat_block('ann', true, repeat('x', 129));
DROP EXTENSION unichat;
