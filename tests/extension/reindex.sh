#!/bin/bash
# REINDEX CONCURRENTLY gives an index's name to another one, while others write by it: nobody fails, nothing is lost.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

sql -c 'CREATE EXTENSION unichat'
cat >"$work/load.sql" <<'SQL'
\set p random(1, 50)
SELECT unichat_send('p' || :p, 'meanwhile', client_message_id => gen_random_uuid()::text);
SQL
pgbench -n -c 4 -T 8 -f "$work/load.sql" "$PGDATABASE" >"$work/pgbench" 2>&1 &
load=$!
rounds=0
while kill -0 "$load" 2>/dev/null; do
    for index in chat_requests_open chat_players_pkey chat_events_pkey chat_messages_client_id; do
        sql -c "REINDEX INDEX CONCURRENTLY $index"
    done
    rounds=$((rounds + 1))
done
wait "$load" || { cat "$work/pgbench"; fail "a writer has failed"; }
grep -q 'ERROR' "$work/pgbench" && { cat "$work/pgbench"; fail "a writer has failed"; }
[ "$rounds" -gt 1 ] || fail "there was no time for it"
same "writers beside $rounds rounds of REINDEX" t "$(sql -c 'SELECT bool_and((unichat_verify(player_id)).ok) FROM chat_players')"
same "messages sent and stored" "$(sed -n 's/^number of transactions actually processed: \([0-9]*\).*/\1/p' "$work/pgbench")" \
    "$(sql -c 'SELECT count(*) FROM chat_messages')"
