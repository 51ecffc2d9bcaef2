-- What a column may hold is asked for where its owner has narrowed it, also by what writes without a statement.
CREATE EXTENSION unichat;
\set SHOW_CONTEXT never
\set VERBOSITY terse
ALTER TABLE chat_messages ALTER sender_id SET NOT NULL;
SELECT seq FROM unichat_send('ann', 'from nobody');
SELECT seq FROM unichat_send('ann', 'from somebody', sender_id => 'ann');
ALTER TABLE chat_messages ALTER sender_id DROP NOT NULL;
SELECT seq FROM unichat_send('ann', 'from nobody');
ALTER TABLE chat_players ALTER player_name TYPE varchar(3);
SELECT seq FROM unichat_send('ann', 'more', player_name => 'Anne');
SELECT seq FROM unichat_send('ann', 'more', player_name => 'Ann');
UPDATE chat_requests SET player_name = 'Ann';
ALTER TABLE chat_requests ALTER player_name SET NOT NULL;
SELECT seq FROM unichat_send('bob', 'more');
SELECT seq FROM unichat_send('ann', 'and more');
-- a partition's rows are those that its parent leaves to it
CREATE TABLE by_urgency (LIKE chat_requests) PARTITION BY LIST (urgency);
ALTER TABLE by_urgency ATTACH PARTITION chat_requests FOR VALUES IN ('normal');
SELECT seq FROM unichat_send('ann', 'still more', urgency => 'high');
SELECT seq FROM unichat_send('ann', 'still more');
SELECT seq, kind FROM chat_events ORDER BY seq;

ALTER TABLE by_urgency DETACH PARTITION chat_requests;
DROP TABLE by_urgency;
DROP EXTENSION unichat;
