#!/bin/bash
# What is notified: exactly the events that commit, in order, byte for byte what unichat_event() says, and a reference
# where the whole would not fit.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

sql -c 'CREATE EXTENSION unichat'

# Runs the statements of standard input in a listening session; prints the payloads. (psql prints notifications after
# each command, so a last, empty command is enough.)
notified() {
    { echo 'SELECT unichat_listen();'; cat; echo 'SELECT;'; } | psql -XqAt |
        sed -nE 's/^Asynchronous notification "unichat_event_[0-9a-f]{32}" with payload "(.*)" received from server process with PID [0-9]*\.$/\1/p'
}

# All events of a player, as unichat_event() gives them.
stored() { sql -c "SELECT unichat_event(player_id, seq) FROM chat_events WHERE player_id = '$1' ORDER BY seq"; }

got=$(notified <<'SQL'
SELECT unichat_send('ann', 'Hello', player_name => 'Ann "the" Ä', client_message_id => 'c1');
SELECT unichat_send('ann', 'Hello', client_message_id => 'c1');
INSERT INTO chat_messages (player_id, message_text) VALUES ('ann', E'two\nlines'), ('ann', 'quotes " \ and 😀');
SELECT unichat_send('ann', 'Hi', 'staff', 'sue');
SELECT unichat_send('ann', 'Wait', 'system');
SELECT unichat_status(1, 'in_progress', 'sue');
SELECT unichat_status(1, 'waiting', 'sue');
UPDATE chat_requests SET status = 'in_progress', assigned_to = 'tom' WHERE id = 1;
SELECT unichat_status(1, 'resolved', 'tom');
SELECT unichat_send('ann', 'Again');
INSERT INTO chat_requests (player_id) VALUES ('bob');
SQL
)
same "every kind, as stored" "$(stored ann; stored bob)" "$got"

got=$(notified <<'SQL'
INSERT INTO chat_messages (player_id, message_text, sender, sender_id) VALUES
    ('cyd', 'one', 'player', NULL), ('cyd', 'two', 'staff', 'sue'), ('cyd', 'three', 'player', NULL);
COPY chat_messages (player_id, message_text) FROM stdin;
cyd	four
cyd	five
\.
SQL
)
same "many rows and COPY, in order" "$(stored cyd)" "$got"

before=$(sql -c 'SELECT pg_current_snapshot()')
got=$(notified <<'SQL'
BEGIN;
SELECT unichat_send('dan', 'never');
ROLLBACK;
BEGIN;
SELECT unichat_send('dan', 'first');
SAVEPOINT a;
SELECT unichat_send('dan', 'never');
ROLLBACK TO a;
SELECT unichat_send('dan', 'second');
COMMIT;
SELECT unichat_send('dan', '');
DO $$ BEGIN PERFORM unichat_send('dan', 'never'); RAISE EXCEPTION 'no'; EXCEPTION WHEN OTHERS THEN NULL; END $$;
SELECT unichat_status(1, 'waiting');
SQL
)
same "nothing that is rolled back" "$(stored dan)" "$got"
same "what was notified is what unichat_events_since finds" "$got" \
    "$(sql -c "SELECT payload FROM unichat_events_since('$before')")"

# Around the limit of 7,900 bytes: the whole object or its reference.
for text in "repeat('x', 4000)" "repeat('😀', 1850)" "repeat('😀', 1950)" "repeat('\"', 3950)" "repeat('€', 4000)"; do
    got=$(notified <<<"SELECT unichat_send('eve', $text);" | tail -n 1)
    whole=$(sql -c "SELECT unichat_event('eve', last_seq) FROM chat_players WHERE player_id = 'eve'")
    if [ "$(printf %s "$whole" | wc -c)" -le 7900 ]; then
        same "$text: the whole" "$whole" "$got"
    else
        same "$text: the reference" "$(sql -c "SELECT format('{\"playerId\":\"eve\",\"seq\":%s,\"requestId\":\"%s\",\"kind\":\"message\",\"xid\":\"%s\",\"ref\":true}',
            seq, request_id, xid) FROM chat_events WHERE player_id = 'eve' ORDER BY seq DESC LIMIT 1")" "$got"
        [ "$(printf %s "$got" | wc -c)" -lt 8000 ] || fail "too long"
    fi
done
for n in $(seq 340 356); do # a byte at a time over the limit
    got=$(notified <<<"SELECT unichat_send('fay', repeat('\"', 3637) || repeat('x', $n));" | tail -n 1)
    whole=$(sql -c "SELECT unichat_event('fay', last_seq) FROM chat_players WHERE player_id = 'fay'")
    size=$(printf %s "$whole" | wc -c)
    if [ "$size" -le 7900 ]; then [ "$got" = "$whole" ] || fail "$size bytes: not the whole"
    else [[ $got == *'"ref":true}' ]] || fail "$size bytes: not the reference"; fi
    sizes="${sizes:-} $size"
done
[[ $sizes == *' 7900'* && $sizes == *' 7901'* ]] || fail "the limit was not met:$sizes"
echo "ok: at the limit:$sizes"

got=$(notified <<'SQL'
SELECT unichat_erase_player('ann', 'dpo');
SELECT unichat_prune('0', 'cron');
SQL
)
same "erased and pruned" "$(sql -c "SELECT string_agg(kind, ' ' ORDER BY xid, seq) FROM chat_events WHERE player_id = 'ann' AND seq > 11")" \
    "$(grep -o '"playerId":"ann".*"kind":"[a-z]*"' <<<"$got" | grep -o '"kind":"[a-z]*"' | cut -d'"' -f4 | grep -v resolved | xargs)"

got=$(notified <<'SQL'
INSERT INTO chat_messages (player_id, message_text) SELECT 'gus', 'message ' || i FROM generate_series(1, 20000) i;
SQL
)
same "20,000 messages in one transaction" "$(stored gus)" "$got"
same "the queue is empty" 0 "$(sql -c 'SELECT pg_notification_queue_usage()')"
