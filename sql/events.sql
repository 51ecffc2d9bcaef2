-- The JSON of each kind of event, and catching up by snapshot. (What is notified is compared with this, byte by byte, in
-- tests/extension/notify.sh.)
CREATE EXTENSION unichat;

CREATE FUNCTION shown(payload text) RETURNS text LANGUAGE sql AS $$
    SELECT regexp_replace(regexp_replace(payload, '"xid":"\d+"', '"xid":"X"'),
                          '"timestamp":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"', '"timestamp":"T"') $$;

SELECT seq FROM unichat_send('ann', 'Hello', player_name => 'Ann', client_message_id => 'c-1');
SELECT seq FROM unichat_send('ann', 'Hi', 'staff', 'sue');
SELECT status FROM unichat_status(1, 'waiting', 'sue');
SELECT seq FROM unichat_send('ann', 'Somebody will answer soon', 'system');
SELECT status FROM unichat_status(1, 'in_progress', 'tom');
SELECT status FROM unichat_status(1, 'resolved', 'tom');
SELECT shown(unichat_event('ann', seq)) FROM generate_series(1, 8) seq;
SELECT unichat_event('ann', 9), unichat_event('nobody', 1), unichat_event(NULL, NULL);

-- Every text is right JSON, and comes back as it went in.
CREATE TABLE texts (id serial, t text);
INSERT INTO texts (t) VALUES ('"quotes" and \back\'), (E'line\nfeed\ttab\rreturn'), (E'\x01\x02\x1f control'), ('</script><!--'),
    ('ünïcödé € 😀 👩‍👩‍👧'), (U&'line\2028paragraph\2029'), ('{"seq":1}'), (repeat('"', 4000)), ('''; DROP TABLE chat_messages; --');
SELECT count(unichat_send('txt-' || id, t, player_name => left(t, 200), client_message_id => left(t, 60))) FROM texts;
SELECT id, unichat_event('txt-' || id, 2)::json ->> 'message' = t AS message,
       unichat_event('txt-' || id, 2)::json ->> 'playerName' = left(t, 200) AS name,
       unichat_event('txt-' || id, 1)::json ->> 'lastMessage' = left(t, 140) AS preview
  FROM texts ORDER BY id;
DROP TABLE texts;

-- Catching up: exactly what became visible after the snapshot.
SELECT pg_current_snapshot() AS position \gset
SELECT count(*) FROM unichat_events_since(:'position');
SELECT seq FROM unichat_send('bob', 'one');
SELECT seq FROM unichat_send('bob', 'two');
BEGIN;
SELECT seq FROM unichat_send('bob', 'never');
ROLLBACK;
BEGIN;
SAVEPOINT a;
SELECT seq FROM unichat_send('bob', 'never');
ROLLBACK TO a;
SELECT seq FROM unichat_send('bob', 'three');
COMMIT;
SELECT player_id, seq, shown(payload) FROM unichat_events_since(:'position');
SELECT bool_and(payload = unichat_event(player_id, seq)) AS same, bool_and(xid::text = payload::json ->> 'xid') AS xids
  FROM unichat_events_since('1:1:');
SELECT count(*) = (SELECT count(*) FROM chat_events) AS everything FROM unichat_events_since('1:1:');
SELECT unichat_epoch() = concat_ws('-', (SELECT system_identifier FROM pg_control_system()), (SELECT timeline_id FROM pg_control_checkpoint()),
    (SELECT oid FROM pg_database WHERE datname = current_database()), (SELECT oid FROM pg_extension WHERE extname = 'unichat')) AS epoch;

-- A request that was inserted by itself has no first message to show.
INSERT INTO chat_requests (player_id, player_name) VALUES ('eve', 'Eve');
SELECT seq FROM unichat_send('eve', 'later');
SELECT shown(unichat_event('eve', seq)) FROM generate_series(1, 2) seq;

DROP FUNCTION shown(text);
DROP EXTENSION unichat;
