-- unichat_requests, unichat_read, unichat_stats: what the staff sees.
CREATE EXTENSION unichat;

SELECT request_id FROM unichat_send('p1', 'first, normal');
SELECT request_id FROM unichat_send('p2', 'second, low', urgency => 'low');
SELECT request_id FROM unichat_send('p3', 'third, urgent', urgency => 'urgent', player_name => 'Pia');
SELECT request_id FROM unichat_send('p4', 'fourth, normal');
SELECT request_id FROM unichat_send('p5', 'fifth, high', urgency => 'high');
SELECT status FROM unichat_send('p4', 'Looking into it', 'staff', 'sue');
SELECT status FROM unichat_status(5, 'resolved');

-- urgency first, then the oldest; what is open unless told otherwise
SELECT request_id, player_id, player_name, status, urgency, assigned_to, last_message, last_message_sender, unread,
       wait_seconds >= 0 AS waits, last_seq
  FROM unichat_requests();
SELECT request_id, status FROM unichat_requests('{waiting}');
SELECT request_id, status FROM unichat_requests('{in_progress}');
SELECT request_id, status, wait_seconds FROM unichat_requests('{resolved}');
SELECT request_id, status FROM unichat_requests('{resolved,waiting,in_progress,waiting}');
SELECT request_id, status FROM unichat_requests(max_rows => 2);
SELECT count(*) FROM unichat_requests('{}');
SELECT count(*) FROM unichat_requests('{nonsense}');
SELECT request_id, assigned_to FROM unichat_requests(assigned_to => 'sue');
SELECT count(*) FROM unichat_requests(assigned_to => 'tom');

-- a player's own, newest first, of every status
SELECT request_id FROM unichat_send('p5', 'sixth');
SELECT request_id, status FROM unichat_requests(player_id => 'p5');
SELECT count(*) FROM unichat_requests(player_id => 'nobody');

-- unread: the player's messages after what the staff has read
SELECT unread, last_seq FROM unichat_requests(player_id => 'p1');
SELECT seq FROM unichat_send('p1', 'more');
SELECT unread, last_seq FROM unichat_requests(player_id => 'p1');
SELECT player_read_seq, staff_read_seq FROM unichat_read('p1', 'staff', 2);
SELECT unread FROM unichat_requests(player_id => 'p1');
SELECT player_read_seq, staff_read_seq FROM unichat_read('p1', 'staff', 1);
SELECT player_read_seq, staff_read_seq FROM unichat_read('p1', 'player', 999);
SELECT player_read_seq, staff_read_seq FROM unichat_read('p1', 'staff', 999);
SELECT unread FROM unichat_requests(player_id => 'p1');
-- and it stops at 100, whatever a player floods the request with
SELECT count(*) FROM generate_series(1, 150) i, unichat_send('p1', 'flood ' || i);
SELECT unread, last_seq FROM unichat_requests(player_id => 'p1');

SELECT waiting, in_progress, oldest_waiting_seconds >= 0 AS oldest FROM unichat_stats();

DROP EXTENSION unichat;
