#!/bin/bash
# The delivery worker: what commits is notified once, in order, byte for byte as stored; whatever happens to the worker.
# Needs shared_preload_libraries = 'unichat'.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

[ "$(sql -c 'SHOW shared_preload_libraries')" = unichat ] || fail "unichat is not preloaded"
sql -c 'CREATE EXTENSION unichat'

# A session that listens until it is stopped; its notifications are in $work/heard, one a line.
# psql looks for them after each statement.
{ echo 'SELECT unichat_listen();'; while [ ! -e "$work/stop" ]; do echo 'SELECT;'; sleep 0.05; done; } |
    PGAPPNAME=ear psql -XqAt -d "$db" >"$work/listener" 2>&1 &
listener=$!
heard() { sed -nE 's/^Asynchronous notification "unichat_event_[0-9a-f]{32}" with payload "(.*)" received from server process with PID [0-9]*\.$/\1/p' "$work/listener"; }
wait_until() { # what, command that prints t
    for _ in $(seq 200); do
        [ "$(eval "$2")" = t ] && return
        sleep 0.05
    done
    fail "$1: waited too long"
}
wait_until "the listener" "sql -c \"SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'ear' AND query = 'SELECT;'\""
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
numbers() { sql -c "SELECT $1 FROM unichat_delivery()"; }
worker() { numbers worker_pid; }

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
wait_until "its position to see all of them" \
    "sql -c 'SELECT bool_and(pg_visible_in_snapshot(xid, position)) FROM chat_events, unichat_delivery()'"

load() { # seconds
    cat >"$work/load.sql" <<'SQL'
\set p random(1, 20)
SELECT unichat_send('load-' || :p, 'under load', client_message_id => gen_random_uuid()::text);
SQL
    pgbench -n -c 16 -j 2 -T "$1" -f "$work/load.sql" "$db" >"$work/pgbench" 2>&1 || { cat "$work/pgbench"; fail "pgbench"; }
}
load 2
all_heard "16 writers"

while [ ! -e "$work/enough" ]; do load 1; done &
loading=$!
terminated=0
for _ in 1 2 3 4 5; do # the worker is told to go, again and again
    wait_until "another worker" "sql -c 'SELECT worker_pid <> $terminated FROM unichat_delivery()'"
    terminated=$(worker)
    sql -c "SELECT pg_terminate_backend($terminated)" >/dev/null
done
touch "$work/enough"
wait "$loading"
all_heard "16 writers, the worker terminated five times"

# A worker that is told to go while nobody writes is back for what it has left behind.
sql >/dev/null <<'SQL'
BEGIN; SELECT unichat_send('ann', 'left behind');
SELECT pg_terminate_backend(worker_pid, 10000) FROM unichat_delivery();
COMMIT;
SQL
all_heard "left behind by a worker that was terminated"

# How far it is behind.
same "nothing waits" 00:00:00 "$(numbers lag)"
held=$(sql <<SQL
BEGIN; LOCK TABLE pg_extension IN ACCESS EXCLUSIVE MODE; -- which the worker reads in each round
\\! psql -Xqc "SELECT unichat_send('ann', 'waits')" >/dev/null
DO \$\$ BEGIN
    LOOP
        PERFORM 1 FROM unichat_delivery() WHERE lag > '100 ms';
        EXIT WHEN FOUND OR clock_timestamp() > now() + interval '30 seconds';
    END LOOP;
END \$\$;
SELECT lag > '100 ms' FROM unichat_delivery();
COMMIT;
SQL
)
same "lag" t "$held"
all_heard "after a pause"
wait_until "no lag" "sql -c \"SELECT lag = '0' FROM unichat_delivery()\""

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

# What a database's transactions are by default is not what the worker's are. Beside one that is SERIALIZABLE and has
# written, a worker that was too would wait for its end (DEFERRABLE), or leave it locks to fail by.
sql -c "ALTER DATABASE $db SET default_transaction_isolation = serializable" -c "ALTER DATABASE $db SET default_transaction_read_only = on" \
    -c "ALTER DATABASE $db SET default_transaction_deferrable = on" -c "SELECT pg_terminate_backend(${old:=$(worker)})" >/dev/null
wait_until "another worker with these" "sql -c 'SELECT worker_pid <> $old FROM unichat_delivery()'"
events=$(numbers events)
sql >"$work/locks" <<SQL
BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE;
SELECT count(*) > 0 FROM chat_events;
\\! psql -XqAt -c "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED READ WRITE" -c "SELECT unichat_send('fay', 'beside a SERIALIZABLE one') IS NOT NULL"
DO 'BEGIN FOR i IN 1 .. 200 LOOP PERFORM pg_sleep(0.05); EXIT WHEN (unichat_delivery()).events > $events; END LOOP; END';
SELECT events > $events, (SELECT count(*) FROM pg_locks WHERE mode = 'SIReadLock' AND pid = worker_pid) FROM unichat_delivery();
SELECT unichat_send('gus', 'and by that one') IS NOT NULL;
COMMIT;
SQL
same "a worker beside a SERIALIZABLE transaction" "t t t|0 t" "$(tr '\n' ' ' <"$work/locks" | sed 's/ $//')"
for setting in isolation read_only deferrable; do sql -c 'SET default_transaction_read_only = off' -c "ALTER DATABASE $db RESET default_transaction_$setting"; done
all_heard "and both are heard of"

createdb "${db}_copy"
sql -d "${db}_copy" -c 'CREATE EXTENSION unichat' -c "SELECT unichat_send('other', 'another database')" >/dev/null
wait_until "the other database's worker" "sql -d '${db}_copy' -c 'SELECT events = 2 FROM unichat_delivery()'"
[ "$(sql -d "${db}_copy" -c 'SELECT worker_pid FROM unichat_delivery()')" != "$(worker)" ] || fail "one worker for two databases"
all_heard "another database's are not ours"

psql -Xq -d postgres -c "DROP DATABASE ${db}_copy WITH (FORCE)"
echo "ok: DROP DATABASE WITH (FORCE)"

# What one transaction has stored is notified in pages, and goes on in the middle when the worker is told to go there.
before=$(numbers batches)
sql -c "INSERT INTO chat_messages (player_id, message_text) SELECT 'bulk-' || i % 7, 'm' || i FROM generate_series(1, 9500) i"
all_heard "a large transaction"
[ "$(($(numbers batches) - before))" -ge 9 ] || fail "a large transaction in $(($(numbers batches) - before)) batches"
before=$(numbers events)
sql -c "INSERT INTO chat_messages (player_id, message_text) SELECT 'bulk-' || i % 7, 'm' || i FROM generate_series(1, 20000) i"
middle=$(sql <<SQL
DO \$\$ BEGIN
    LOOP
        PERFORM pg_terminate_backend(worker_pid) FROM unichat_delivery() WHERE events > $before;
        EXIT WHEN FOUND OR clock_timestamp() > now() + interval '30 seconds';
    END LOOP;
END \$\$;
SELECT events - $before FROM unichat_delivery();
SQL
)
[ "$((middle >= 1000 && middle < 20000))" = 1 ] || fail "terminated after $middle of 20000"
all_heard "a large transaction, and the worker terminated in the middle"

touch "$work/stop"
wait "$listener"

# A database can be copied when its worker has been stopped, and has one again when somebody writes.
same "stopped" t "$(sql -c 'SELECT unichat_delivery_stop()')"
same "none is left" "" "$(worker)"
createdb -T "$db" "${db}_copy"
dropdb "${db}_copy"
sql -c "SELECT unichat_send('ann', 'after the copy')" >/dev/null
wait_until "another worker" "sql -c 'SELECT worker_pid IS NOT NULL FROM unichat_delivery()'"
same "the copied one's event is the worker's" f "$(sql -c "SELECT notified FROM chat_events WHERE player_id = 'ann' ORDER BY seq DESC LIMIT 1")"

# More databases, one after the other, than there are slots.
for i in $(seq 20); do
    createdb "${db}_copy"
    sql -d "${db}_copy" -c 'CREATE EXTENSION unichat' -c "SELECT unichat_send('other', 'database $i')" >/dev/null
    wait_until "database $i" "sql -d '${db}_copy' -c 'SELECT events = 2 FROM unichat_delivery()'"
    psql -Xq -d postgres -c "DROP DATABASE ${db}_copy WITH (FORCE)"
done
echo "ok: 20 databases, one after the other"

# More databases at once than there are slots: the last one has none, and takes none away from another, which may have
# something to notify of; until one of the others is dropped. How many there is room for depends on what else the server
# has been used for.
createdb "${db}_copy"
sql -d "${db}_copy" -c 'CREATE EXTENSION unichat'
by_itself() { sql -d "$1" -c "SELECT unichat_send('other', 'hello')" -c 'SELECT bool_and(notified) FROM chat_events' | tail -n 1; }
leave_pending() { # DATABASE: an event to notify of, and no worker
    sql -d "$1" >/dev/null <<'SQL'
BEGIN; SELECT unichat_send('other', 'pending');
DO $$ BEGIN
    LOOP
        PERFORM pg_terminate_backend(worker_pid, 10000) FROM unichat_delivery() WHERE worker_pid IS NOT NULL;
        EXIT WHEN FOUND;
        IF clock_timestamp() > now() + interval '30 seconds' THEN
            RAISE 'no worker came';
        END IF;
    END LOOP;
END $$;
COMMIT;
SQL
}
for n in $(seq 17); do
    createdb -T "${db}_copy" "${db}_$n"
    [ "$(by_itself "${db}_$n")" = f ] || break
    leave_pending "${db}_$n" || fail "database $n"
done
[ "$n" -gt 4 ] || fail "no slot for a fourth database"
same "one database more than slots notifies by itself" t "$(by_itself "${db}_$n")"
same "and says so" transaction "$(sql -d "${db}_$n" -c 'SELECT mode FROM unichat_delivery()')"
psql -Xq -d postgres -c "DROP DATABASE ${db}_3 WITH (FORCE)"
same "and has a worker when another database is gone" f "$(by_itself "${db}_$n")"
for i in $(seq "$n"); do
    psql -Xq -d postgres -c "DROP DATABASE IF EXISTS ${db}_$i WITH (FORCE)" 2>/dev/null
done
dropdb "${db}_copy"

# Workers that cannot connect for longer than a writer waits with the next: in the end one stays.
workers() { pgrep -P "$postmaster" -fc "unichat delivery for database $oid( |\$)" || true; }
postmaster=$(head -n 1 "$(sql -c 'SHOW data_directory')/postmaster.pid")
oid=$(sql -c 'SELECT oid FROM pg_database WHERE datname = current_database()')
{
    echo "SELECT pg_terminate_backend(worker_pid, 10000) FROM unichat_delivery() WHERE worker_pid IS NOT NULL;"
    echo "BEGIN; LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE;"
    for _ in $(seq 300); do
        [ "$(workers)" -lt 2 ] || break
        echo "SELECT unichat_send('hal', 'is there nobody?');"
        sleep 0.1
    done
    [ "$(workers)" -ge 2 ] || fail "a second worker: waited too long"
    echo "COMMIT;"
} | sql >/dev/null
wait_until "one worker of several" "[ \$(workers) = 1 ] && echo t"
wait_until "it notifies" "sql -c 'SELECT events >= (SELECT count(*) FROM chat_events WHERE NOT notified) FROM unichat_delivery()'"
echo "ok: workers that were slow to start leave it to one"

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
