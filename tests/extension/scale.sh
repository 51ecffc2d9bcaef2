#!/bin/bash
# With 1,000,000 messages in 100,000 requests, every statement of the product finds its rows by an index, also those
# that the triggers run, and also in a session that made its plans while the tables were empty.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

sql -c 'CREATE EXTENSION unichat'
sql -f bench/scale/fill.sql >/dev/null
sql -c 'VACUUM ANALYZE'
same "messages" 1000000 "$(sql -c 'SELECT count(*) FROM chat_messages')"
same "requests" 100000 "$(sql -c 'SELECT count(*) FROM chat_requests')"

# The plans of all statements that a command runs, nested ones too.
plans() {
    PGOPTIONS="-c session_preload_libraries=auto_explain -c auto_explain.log_min_duration=0 -c client_min_messages=log
        -c auto_explain.log_nested_statements=on -c auto_explain.log_analyze=on -c auto_explain.log_timing=off" \
        psql -XqAt -v ON_ERROR_STOP=1 -c "$1" 2>&1
}
indexed() { # name, command, the index that it has to use
    plans "$2" >"$work/plans" || { cat "$work/plans"; fail "$1"; }
    grep -q 'Query Text' "$work/plans" || fail "$1: no plan was shown"
    ! grep -E 'Seq Scan on (chat|push)_' "$work/plans" || { cat "$work/plans"; fail "$1 reads a whole table"; }
    ! grep -q '^JIT:' "$work/plans" || { cat "$work/plans"; fail "$1 is compiled first"; }
    # what any step of it has read
    most=$(sed -nE 's/.*actual rows=([0-9]+) loops=([0-9]+).*/\1 \2/p' "$work/plans" |
        awk '{ n = $1 * $2; if (n > most) most = n } END { print most + 0 }')
    removed=$(sed -nE 's/.*Rows Removed by [A-Za-z ]*: ([0-9]+).*/\1/p' "$work/plans" |
        awk '{ if ($1 > most) most = $1 } END { print most + 0 }')
    if [ "$removed" -gt 100 ] || [ "$most" -gt 2000 ]; then
        cat "$work/plans"
        fail "$1 reads $most rows and drops $removed"
    fi
    grep -q "$3" "$work/plans" || { cat "$work/plans"; fail "$1 does not use $3"; }
    echo "ok: $1: $3, at most $most rows in a step"
}
# A message reads by the access method, which shows no plan: what the statistics say that its transaction has read.
direct() { # name, command
    got=$(sql -F' ' -c "BEGIN" -c "$2" -c "SELECT sum(seq_tup_read), sum(idx_scan) > 2, sum(idx_tup_fetch) BETWEEN 1 AND 20
        FROM pg_stat_xact_user_tables WHERE relname ~ '^(chat|push)_'" -c "COMMIT" | tail -n 1)
    same "$1 reads a few rows, by indexes" "0 t t" "$got"
}
direct "send, first of a request" "SELECT unichat_send('player-77', 'hello')"
direct "send, into an open one" "SELECT unichat_send('player-80', 'hello', client_message_id => 'new')"
direct "send, staff" "SELECT unichat_send('player-80', 'hello', 'staff', 'staff-0')"
direct "send, replay" "SELECT unichat_send('player-80', 'hello', client_message_id => 'new')"
direct "plain INSERT" "INSERT INTO chat_messages (player_id, message_text) VALUES ('player-90', 'hello')"
indexed "status" "SELECT unichat_status(180, 'in_progress', 'staff-1')" chat_requests_pkey
indexed "newest page" "SELECT * FROM unichat_messages('player-77')" chat_messages_pkey
indexed "page after" "SELECT * FROM unichat_messages('player-77', 5)" chat_messages_pkey
indexed "page before" "SELECT * FROM unichat_messages('player-77', before => 20)" chat_messages_pkey
indexed "queue" "SELECT * FROM unichat_requests()" chat_requests_queue
sql -c "SELECT count(*) FROM generate_series(1, 3000) i, unichat_send('player-20', 'flood ' || i)" >/dev/null
indexed "queue, with a flooded request" "SELECT * FROM unichat_requests()" chat_requests_queue
indexed "queue, waiting" "SELECT * FROM unichat_requests('{waiting}')" chat_requests_queue
indexed "queue, resolved" "SELECT * FROM unichat_requests('{resolved}')" chat_requests_queue
indexed "mine" "SELECT * FROM unichat_requests(assigned_to => 'staff-0')" chat_requests_mine
indexed "a player's requests" "SELECT * FROM unichat_requests(player_id => 'player-77')" chat_requests_player
indexed "read" "SELECT unichat_read('player-77', 'staff', 20)" chat_players_pkey
indexed "catch-up" "SELECT * FROM unichat_events_since(pg_current_snapshot())" chat_events_xid
indexed "a page of it" "SELECT * FROM unichat_events_since(pg_current_snapshot(), 'player-77', 5, 100)" chat_events_xid
indexed "resume" "SELECT * FROM unichat_events_after('player-77', 5)" chat_events_pkey
indexed "one event" "SELECT unichat_event('player-77', 20)" chat_events_pkey
indexed "prune, nothing to do" "SELECT unichat_prune('10 years')" chat_requests_resolved
indexed "prune" "SELECT unichat_prune('1 day', 'cron', 20)" chat_requests_resolved
indexed "erase" "SELECT unichat_erase_player('player-99')" chat_requests_player

# Where reading all players would be thought cheaper than finding some of them.
createdb "${db}_copy"
export PGDATABASE=${db}_copy
sql -c 'CREATE EXTENSION unichat'
sql -v players=5000 -f bench/scale/fill.sql >/dev/null
sql -c 'VACUUM ANALYZE'
indexed "queue, of 5,000 players" "SELECT * FROM unichat_requests()" chat_players_pkey
