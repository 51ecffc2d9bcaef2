-- unichat_status and a plain UPDATE: what a request's status may become.
CREATE EXTENSION unichat;
\set VERBOSITY default

SELECT request_id FROM unichat_send('ann', 'help');

-- Claim; again by the same is quiet; by another is refused and names the owner.
SELECT id, status, assigned_to, resolved_at FROM unichat_status(1, 'in_progress', 'sue');
SELECT status, assigned_to FROM unichat_status(1, 'in_progress', 'sue');
SELECT status, assigned_to FROM unichat_status(1, 'in_progress', 'tom');
SELECT status, assigned_to FROM unichat_status(1, 'in_progress');
SELECT unichat_send('ann', 'I am Tom', 'staff', 'tom');
-- Staff without a name conflict with nobody.
SELECT status FROM unichat_send('ann', 'A colleague here', 'staff');
-- Only the owner resolves; anybody releases.
SELECT status FROM unichat_status(1, 'resolved', 'tom');
SELECT status, assigned_to, waiting_since IS NOT NULL AS waits FROM unichat_status(1, 'waiting', 'tom');
SELECT status FROM unichat_status(1, 'waiting');
-- expected: only if nothing has changed meanwhile.
SELECT status FROM unichat_status(1, 'in_progress', 'tom', 'in_progress');
SELECT status, assigned_to FROM unichat_status(1, 'in_progress', 'tom', 'waiting');
SELECT status, assigned_to, waiting_since, resolved_at IS NOT NULL AS ended FROM unichat_status(1, 'resolved', 'tom');
-- Nothing leaves resolved.
SELECT status FROM unichat_status(1, 'resolved', 'sue');
SELECT status FROM unichat_status(1, 'waiting', 'tom');
SELECT status FROM unichat_status(1, 'in_progress', 'tom');
-- waiting -> resolved is fine.
SELECT request_id FROM unichat_send('ann', 'again');
SELECT status, assigned_to FROM unichat_status(2, 'resolved', 'tom');
-- A staff message needs an open request.
SELECT unichat_send('ann', 'Are you still there?', 'staff', 'tom');
SELECT unichat_send('ann', 'Closed', 'system');
SELECT unichat_send('nobody', 'Hello?', 'staff', 'tom');
-- Unknown request, unknown words.
SELECT unichat_status(77, 'resolved');
SELECT unichat_status(NULL, 'resolved');
SELECT unichat_status(1, 'closed');
SELECT unichat_status(1, NULL);
SELECT unichat_status(1, 'waiting', 'tom', 'open');
SELECT unichat_status(1, 'waiting', '');

-- Each change is one event, and a quiet one none.
SELECT seq, kind, from_status, to_status, assigned_to, actor FROM chat_events WHERE kind <> 'message' ORDER BY seq;

-- A plain UPDATE obeys the same rules.
SELECT request_id FROM unichat_send('bob', 'help');
UPDATE chat_requests SET status = 'in_progress', assigned_to = 'sue' WHERE id = 3;
UPDATE chat_requests SET assigned_to = 'tom' WHERE id = 3;
UPDATE chat_requests SET status = 'gone' WHERE id = 3;
UPDATE chat_requests SET urgency = 'gone' WHERE id = 3;
UPDATE chat_requests SET player_id = 'ann' WHERE id = 3;
UPDATE chat_requests SET id = 4 WHERE id = 3;
UPDATE chat_requests SET created_at = now() WHERE id = 3;
UPDATE chat_requests SET last_message = 'invented' WHERE id = 3;
UPDATE chat_requests SET urgency = 'urgent', player_name = 'Bob' WHERE id = 3;
UPDATE chat_requests SET status = 'waiting' WHERE id = 3 RETURNING assigned_to, urgency, player_name, waiting_since IS NOT NULL AS waits;
UPDATE chat_requests SET status = 'resolved' WHERE id = 3 RETURNING resolved_at IS NOT NULL AS ended;
UPDATE chat_requests SET status = 'waiting' WHERE id = 3;
SELECT seq, kind, from_status, to_status, assigned_to, actor FROM chat_events WHERE player_id = 'bob' ORDER BY seq;
-- A request that was claimed without a name can be taken over by one who has a name.
SELECT request_id, status FROM unichat_send('cyd', 'help');
SELECT status FROM unichat_send('cyd', 'One moment', 'staff');
SELECT status, assigned_to FROM unichat_status(4, 'in_progress', 'sue');
SELECT seq, kind, from_status, to_status, assigned_to, actor FROM chat_events WHERE player_id = 'cyd' ORDER BY seq;
-- History is not deleted by hand.
DELETE FROM chat_requests WHERE id = 1;
TRUNCATE chat_requests;

DROP EXTENSION unichat;
