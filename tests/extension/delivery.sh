#!/bin/bash
# The delivery worker: what commits is notified once, in order, byte for byte as stored; whatever happens to the worker.
# Needs shared_preload_libraries = 'unichat'.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(sql -c 'SHOW shared_preload_libraries')" = unichat ] || fail "unichat is not preloaded"
sql -c 'CREATE EXTENSION unichat'

# A session that listens until it is stopped; its notifications are in $work/heard, one a line.
{ echo 'LISTEN unichat;'; while [ ! -e "$work/stop" ]; do echo 'SELECT pg_sleep(0.05);'; sleep 0.05; done; echo 'SELECT pg_sleep(0.3);'; } |
    psql -XqAt -d "$db" >"$work/listener" 2>&1 &
listener=$!
heard() { sed -n 's/^Asynchronous notification "unichat" with payload "\(.*\)" received from server process with PID [0-9]*\.$/\1/p' "$work/listener"; }
wait_until() { # what, command that prints t
    for _ in $(seq 200); do
        [ "$(eval "$2")" = t ] && return
        sleep 0.05
    done
    fail "$1: waited too long"
}
wait_until "the listener" "[ -e '$work/listener' ] && sql -c \"SELECT count(*) > 0 FROM pg_stat_activity WHERE datname = '$db' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()\""
stored() { sql -c "SELECT unichat_event(player_id, seq) FROM chat_events ORDER BY player_id, seq"; }
sorted_by_player() { awk -F'"' '{ print $4 "\t" NR "\t" $0 }' | sort -t$'\t' -k1,1 -k2,2n | cut -f3-; }
all_heard() { # what
    wait_until "$1" "[ \$(heard | wc -l) -ge \$(sql -c 'SELECT count(*) FROM chat_events') ] && echo t"
    diff <(stored | sort) <(heard | sort) >"$work/diff" || { head -5 "$work/diff"; fail "$1: not the same"; }
    # each player's in the order of seq
    heard | sed -E 's/.*"playerId":"([^"]*)".*"seq":([0-9]+).*/\1 \2/' | awk '{ if ($2 != last[$1] + 1) { print; bad = 1 } last[$1] = $2 } END { exit bad }' ||
        fail "$1: not in order"
    echo "ok: $1"
}
worker() { sql -c 'SELECT worker_pid FROM unichat_delivery()'; }

sql >/dev/null <<'SQL'
SELECT unichat_send('ann', 'Hello "you" 😀', player_name => 'Ann');
SELECT unichat_send('ann', 'Hi', 'staff', 'sue');
BEGIN; SELECT unichat_send('ann', 'never'); ROLLBACK;
BEGIN; SAVEPOINT a; SELECT unichat_send('ann', 'never'); ROLLBACK TO a; SELECT unichat_send('ann', 'kept'); COMMIT;
SELECT unichat_status(1, 'resolved', 'sue');
INSERT INTO chat_messages (player_id, message_text) SELECT 'bob', 'm' || i FROM generate_series(1, 1000) i;
SQL
all_heard "every kind, nothing that is rolled back"
same "no writer has notified by itself" 0 "$(sql -c 'SELECT count(*) FROM chat_events WHERE notified')"
same "mode" worker "$(sql -c 'SELECT mode FROM unichat_delivery()')"

load() { # seconds
    cat >"$work/load.sql" <<'SQL'
\set p random(1, 20)
SELECT unichat_send('load-' || :p, 'under load', client_message_id => gen_random_uuid()::text);
SQL
    pgbench -n -c 16 -j 2 -T "$1" -f "$work/load.sql" "$db" >"$work/pgbench" 2>&1 || { cat "$work/pgbench"; fail "pgbench"; }
}
load 2
all_heard "16 writers"

load 4 &
loading=$!
for _ in 1 2 3 4 5; do # the worker is told to go, again and again
    sleep 0.5
    sql -c 'SELECT pg_terminate_backend(worker_pid) FROM unichat_delivery() WHERE worker_pid IS NOT NULL' >/dev/null
done
wait "$loading"
sql -c "SELECT unichat_send('ann', 'the last one starts a worker if need be')" >/dev/null
all_heard "16 writers, the worker terminated five times"

sql >/dev/null <<'SQL'
BEGIN; SELECT unichat_send('cyd', 'prepared'); PREPARE TRANSACTION 'unichat';
SELECT unichat_send('dan', 'meanwhile');
COMMIT PREPARED 'unichat';
SQL
all_heard "a prepared transaction"

sql >/dev/null <<'SQL'
SET unichat.delivery = transaction;
SELECT unichat_send('eve', 'by myself');
SELECT unichat_send('eve', 'by myself again');
SQL
all_heard "a session that notifies by itself"
same "and says so" 3 "$(sql -c 'SELECT count(*) FROM chat_events WHERE notified')"

createdb "${db}_copy"
sql -d "${db}_copy" -c 'CREATE EXTENSION unichat' -c "SELECT unichat_send('other', 'another database')" >/dev/null
wait_until "the other database's worker" "sql -d '${db}_copy' -c 'SELECT events = 2 FROM unichat_delivery()'"
[ "$(sql -d "${db}_copy" -c 'SELECT worker_pid FROM unichat_delivery()')" != "$(worker)" ] || fail "one worker for two databases"
all_heard "another database's are not ours"

psql -Xq -d postgres -c "DROP DATABASE ${db}_copy WITH (FORCE)"
echo "ok: DROP DATABASE WITH (FORCE)"

touch "$work/stop"
wait "$listener"

# More databases, one after the other, than there are slots.
for i in $(seq 20); do
    createdb "${db}_copy"
    sql -d "${db}_copy" -c 'CREATE EXTENSION unichat' -c "SELECT unichat_send('other', 'database $i')" >/dev/null
    wait_until "database $i" "sql -d '${db}_copy' -c 'SELECT events = 2 FROM unichat_delivery()'"
    psql -Xq -d postgres -c "DROP DATABASE ${db}_copy WITH (FORCE)"
done
echo "ok: 20 databases, one after the other"

# The server recovers from a worker that is killed, and so does delivery.
kill -KILL "$(worker)"
wait_until "the restart" "pg_isready -q && sql -c \"SELECT pg_postmaster_start_time() < now() AND NOT pg_is_in_recovery()\" 2>/dev/null"
wait_until "sending again" "sql -c \"SELECT seq > 0 FROM unichat_send('gus', 'after the crash')\" 2>/dev/null"
wait_until "a new worker" "sql -c 'SELECT events > 0 FROM unichat_delivery()' 2>/dev/null"
same "after the crash, by the worker" 0 "$(sql -c "SELECT count(*) FROM chat_events WHERE player_id = 'gus' AND notified")"
position=$(sql -c 'SELECT pg_current_snapshot()')
sql -c 'DROP EXTENSION unichat' -c 'CREATE EXTENSION unichat SCHEMA public' -c "SELECT unichat_send('fay', 'a new beginning')" >/dev/null
wait_until "a new extension" "sql -c \"SELECT events > 0 AND last_at > now() - interval '10 seconds' FROM unichat_delivery()\""
same "its events" 2 "$(sql -c "SELECT count(*) FROM unichat_events_since('$position')")"
sql -c 'DROP EXTENSION unichat'
for _ in $(seq 30); do # the worker is in the middle of it each time
    sql -c 'CREATE EXTENSION unichat' -c "SELECT count(unichat_send('p' || i % 50, 'm')) FROM generate_series(1, 200) i" \
        -c 'DROP EXTENSION unichat' >/dev/null
done
echo "ok: dropped while the worker reads, 30 times"
wait_until "the worker leaves with the extension, or stays idle" "sql -d postgres -c \"SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = '$db' AND backend_type = 'unichat delivery' AND state = 'active'\""
echo "ok: dropped and created again"
