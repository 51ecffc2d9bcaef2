-- The push queue: what a claim takes, how results move a row, the allowed volume, the digest.
CREATE EXTENSION unichat;
SET client_min_messages = warning;
\set VERBOSITY terse
CREATE VIEW queue AS
SELECT id, request_id, kind, urgency, title, body, state, attempts, failures, told_by FROM push_notifications ORDER BY id;

-- A new chat queues one push, in its own transaction; nothing else does.
SELECT request_id FROM unichat_send('ann', 'I cannot withdraw my winnings', player_name => 'Ann', urgency => 'high');
SELECT request_id FROM unichat_send('ann', 'hello?');
SELECT request_id FROM unichat_send('ann', 'I look into it', 'staff', 'sue');
BEGIN;
SELECT is_new_request FROM unichat_send('bob', 'never');
ROLLBACK;
TABLE queue;
SELECT state = 'pending' AND next_attempt_at = created_at AND lease_until IS NULL AND idempotency_key IS NOT NULL AS due
  FROM push_notifications;

-- The chat was taken before anybody claimed its push.
SELECT id FROM unichat_push_claim('1 minute', 10);
SELECT id, state FROM queue;

-- A claim leases; a second one finds nothing.
SELECT request_id FROM unichat_send('bob', 'mine is open', player_name => 'Bob');
SELECT id, attempt, kind, urgency, title, body, data, failures, waiting, oldest_seconds
  FROM unichat_push_claim('1 minute', 10);
SELECT id FROM unichat_push_claim('1 minute', 10);
SELECT state, lease_until > now() + '50 s' AS leased FROM push_notifications WHERE id = 3;
SELECT pending, sending, dead, next_ms BETWEEN 50000 AND 60000 AS at_the_lease FROM unichat_push_queue();

-- Results. A retry is due after its pause, a row is fenced by its attempt, "sent" is true whoever says it.
SELECT unichat_push_result(3, 1, 'retry', 503, NULL, 'busy', '1 hour', max_age => '1 day');
SELECT id FROM unichat_push_claim('1 minute', 10);
UPDATE push_notifications SET next_attempt_at = now() WHERE id = 3;
SELECT id, attempt, failures FROM unichat_push_claim('1 minute', 10);
SELECT unichat_push_result(3, 1, 'failed', 400, NULL, 'from an attempt that was overtaken');
SELECT unichat_push_result(3, 1, 'sent', 200, 'abc', provider => 'onesignal');
SELECT unichat_push_result(3, 2, 'sent', 200, 'abc');
SELECT state, attempts, failures, provider, provider_id, http_status, sent_at IS NOT NULL AS sent FROM push_notifications WHERE id = 3;
SELECT push_id, attempt, outcome, http_status, error FROM push_attempts ORDER BY 1, 2;
SELECT unichat_push_result(3, 2, 'nonsense');
SELECT unichat_push_result(3, 2, NULL);
SELECT unichat_push_result(4711, 1, 'sent');

-- Every other outcome, from one claim of five.
SELECT count(*) FROM generate_series(1, 5) i, unichat_send('c' || i, 'chat ' || i);
SELECT count(DISTINCT idempotency_key) FROM unichat_push_claim('1 minute', 10);
SELECT unichat_push_result(4, 1, 'no_recipients', 200, '', '["not subscribed"]');
SELECT unichat_push_result(5, 1, 'failed', 400, NULL, repeat('x', 5000));
SELECT unichat_push_result(6, 1, 'refused', 403, NULL, 'Access denied.');
SELECT unichat_push_result(7, 1, 'released');
SELECT unichat_push_result(8, 1, 'retry', 503, max_failures => 1);
SELECT id, state, failures, length(last_error) AS error FROM push_notifications WHERE id BETWEEN 4 AND 8 ORDER BY id;
SELECT id, attempt FROM unichat_push_claim('1 minute', 10) ORDER BY id;

-- Too old: the next try would come after max_age from the first failure.
SELECT unichat_push_result(6, 2, 'retry', 503, retry_after => '20 minutes');
SELECT unichat_push_result(7, 2, 'retry', 503, retry_after => '10 minutes');

-- By hand: a row of its own, with a key of its own, once at a time.
SELECT unichat_push_resend(7);
SELECT unichat_push_resend(6);
SELECT unichat_push_resend(6);
SELECT a.idempotency_key <> b.idempotency_key AS another_key, b.kind, b.state
  FROM push_notifications a JOIN push_notifications b USING (request_id) WHERE a.id = 6 AND b.id = 9;

-- A lease that ran out: the same key again, and dead when that happens too often.
SELECT id, attempt FROM unichat_push_claim('1 us', 10);
SELECT id, attempt, failures FROM unichat_push_claim('1 us', 10);
SELECT id FROM unichat_push_claim('1 minute', 10, max_failures => 2);
SELECT state, last_error FROM push_notifications WHERE id = 9;
SELECT attempt, outcome FROM push_attempts WHERE push_id = 9 ORDER BY 1;

-- The volume: two single pushes, most urgent and oldest first, and one digest for the rest.
TRUNCATE push_notifications, push_attempts RESTART IDENTITY;
SELECT count(*) FROM chat_requests r, unichat_status(r.id, 'resolved') WHERE r.status = 'waiting';
SELECT count(*) FROM generate_series(1, 6) i, unichat_send('v' || i, 'chat ' || i, urgency => (ARRAY['low', 'urgent'])[i / 5 + 1]);
SELECT id, kind, urgency, title, body, waiting FROM unichat_push_claim('1 minute', 10, 2) ORDER BY id;
SELECT id, kind, state, told_by FROM queue;
-- What comes later waits until the first of them leaves the window, and is then told of by a digest.
SELECT request_id IS NOT NULL FROM unichat_send('v7', 'chat 7');
SELECT id FROM unichat_push_claim('1 minute', 10, 2);
SELECT p.next_attempt_at = min(q.last_attempt_at) + '15 minutes' AS put_off
  FROM push_notifications p, push_notifications q WHERE p.id = 8 AND q.state = 'sending' GROUP BY p.id;
-- A retry holds its place in the volume.
SELECT unichat_push_result(5, 1, 'retry', 503);
SELECT id, attempt FROM unichat_push_claim('1 minute', 10, 2);
-- One that was not delivered gives its place back.
SELECT unichat_push_result(5, 2, 'failed', 400);
UPDATE push_notifications SET next_attempt_at = now() WHERE id = 8;
SELECT id, kind, waiting FROM unichat_push_claim('1 minute', 10, 2);
-- A digest that is left over tells of those that came meanwhile too.
SELECT unichat_push_result(9, 1, 'released');
UPDATE push_notifications SET last_attempt_at = now() - interval '1 day' WHERE id = 9;
SELECT request_id IS NOT NULL FROM unichat_send('v8', 'chat 8');
SELECT id, kind, waiting FROM unichat_push_claim('1 minute', 10, 2);
SELECT state, told_by FROM queue WHERE id = 10;
-- It is superseded when nobody waits any more.
SELECT unichat_push_result(9, 2, 'released');
SELECT count(*) FROM chat_requests r, unichat_status(r.id, 'resolved') WHERE r.status = 'waiting';
SELECT id FROM unichat_push_claim('1 minute', 10, 2);
SELECT state FROM queue WHERE id = 9;

-- A backlog from the time without a provider goes before anything is sent.
INSERT INTO push_notifications (request_id, player_id) SELECT 100000 + i, 'old' FROM generate_series(1, 2500) i;
SELECT request_id IS NOT NULL FROM unichat_send('new', 'after the backlog');
SELECT count(*) FROM unichat_push_claim('1 minute', 10);
SELECT count(*) FROM unichat_push_claim('1 minute', 10);
SELECT title, body FROM unichat_push_claim('1 minute', 10);

-- A digest belongs to no request; pruning removes it by its age.
SELECT count(*) FROM push_notifications WHERE kind = 'digest';
SELECT unichat_prune('0') > 0 AS pruned;
SELECT count(*) FROM push_notifications WHERE kind = 'digest';
SELECT count(*) FROM push_attempts a WHERE NOT EXISTS (SELECT FROM push_notifications p WHERE p.id = a.push_id);

-- A bridge's role needs EXECUTE and nothing else.
CREATE ROLE regress_push_bridge;
GRANT EXECUTE ON FUNCTION unichat_push_claim(interval, integer, integer, interval, integer), unichat_push_queue() TO regress_push_bridge;
SET ROLE regress_push_bridge;
SELECT id FROM unichat_push_claim('1 minute', 10);
SELECT sending FROM unichat_push_queue();
SELECT unichat_push_resend(1);
TABLE push_notifications;
RESET ROLE;
DROP VIEW queue;
DROP EXTENSION unichat;
DROP ROLE regress_push_bridge;

-- In a schema of its own, which is renamed under it.
CREATE SCHEMA chat;
CREATE EXTENSION unichat SCHEMA chat;
SELECT request_id FROM chat.unichat_send('ren', 'first');
SELECT body, attempt FROM chat.unichat_push_claim('1 minute', 10);
ALTER SCHEMA chat RENAME TO "Chat room";
SELECT request_id FROM "Chat room".unichat_send('ann', 'renamed');
SELECT body, attempt FROM "Chat room".unichat_push_claim('1 minute', 10);
SELECT "Chat room".unichat_push_result(2, 1, 'failed');
SELECT "Chat room".unichat_push_resend(2);
SELECT pending, sending FROM "Chat room".unichat_push_queue();
SELECT kind, body FROM "Chat room".unichat_push_claim('1 minute', 10);
DROP EXTENSION unichat;
DROP SCHEMA "Chat room";

-- A digest that found no room in its claim is the last of the next one, whatever its age: one digest, all places used.
CREATE EXTENSION unichat;
SELECT count(*) FROM generate_series(1, 8) i, unichat_send('w' || i, 'chat ' || i);
SELECT id, kind FROM unichat_push_claim('1 minute', 2, 4) ORDER BY id;
UPDATE push_notifications SET created_at = created_at - interval '1 second' WHERE kind = 'digest';
SELECT id, kind FROM unichat_push_claim('1 minute', 10, 4) ORDER BY id;
SELECT state, count(*) FROM push_notifications GROUP BY state ORDER BY state;
DROP EXTENSION unichat;
