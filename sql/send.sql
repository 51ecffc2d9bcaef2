-- unichat_send: every argument, every column of the answer.
CREATE EXTENSION unichat;

-- A first message opens a request; the next ones go to it.
SELECT message_id, request_id, seq, status, is_new_request, is_replay, "timestamp" BETWEEN now() AND clock_timestamp() AS timely
  FROM unichat_send('ann', 'My coins are gone');
SELECT message_id, request_id, seq, status, is_new_request, is_replay FROM unichat_send('ann', 'All of them');
SELECT message_id, request_id, seq, status, is_new_request, is_replay
  FROM unichat_send('bob', 'Hello', client_message_id => 'c1', player_name => 'Bob', urgency => 'high');

-- The same client_message_id again: the stored row, nothing new.
SELECT message_id, request_id, seq, status, is_new_request, is_replay
  FROM unichat_send('bob', 'Hello', client_message_id => 'c1', player_name => 'Bob', urgency => 'high');
SELECT message_id, is_replay FROM unichat_send('bob', 'another text', client_message_id => 'c1');
-- It is the sender's own: somebody else may use the same.
SELECT message_id, is_replay FROM unichat_send('ann', 'Mine', client_message_id => 'c1');
SELECT message_id, is_replay FROM unichat_send('bob', 'Hi Bob', 'staff', 'sue', 'c1');

-- The staff's reply has claimed the request. Name and urgency follow the player's latest.
SELECT id, player_name, status, urgency, assigned_to, last_message, last_message_sender, waiting_since IS NULL AS answered,
       first_response_at IS NOT NULL AS responded
  FROM chat_requests ORDER BY id;
SELECT status, is_new_request FROM unichat_send('bob', 'It got worse', player_name => 'Bobby', urgency => 'urgent');
SELECT status FROM unichat_send('bob', 'Transferred to the bank', 'system');
SELECT player_name, status, urgency, assigned_to, last_message, last_message_sender, waiting_since IS NULL AS answered
  FROM chat_requests WHERE player_id = 'bob';
SELECT player_id, player_name, last_seq FROM chat_players ORDER BY 1;

-- With request_id: only if it is the open one.
SELECT seq FROM unichat_send('bob', 'still there?', request_id => 2);
SELECT seq FROM unichat_send('bob', 'still there?', request_id => 1);

-- After resolved, a new request; the history goes on.
SELECT status FROM unichat_status(2, 'resolved', 'sue');
SELECT request_id, seq, status, is_new_request FROM unichat_send('bob', 'One more thing');
SELECT seq FROM unichat_send('bob', 'to the old one', request_id => 2);
SELECT player_name, urgency FROM chat_requests WHERE id = 3;

-- Seqs have no gap, and each event is there once.
SELECT player_id, array_agg(seq ORDER BY seq) FROM chat_events GROUP BY 1 ORDER BY 1;
SELECT e.seq, e.kind, e.from_status, e.to_status, e.urgency, e.assigned_to, e.actor, m.sender, m.message_text
  FROM chat_events e LEFT JOIN chat_messages m USING (player_id, seq) WHERE player_id = 'bob' ORDER BY seq;

-- One push for each new chat.
SELECT request_id, player_id, kind, urgency, title, body, state FROM push_notifications ORDER BY 1;

-- The preview is 140 characters, whatever their size in bytes.
SELECT seq FROM unichat_send('cyd', repeat('ä€😀', 100));
SELECT char_length(last_message), last_message = left(repeat('ä€😀', 100), 140) FROM chat_requests WHERE player_id = 'cyd';

DROP EXTENSION unichat;
