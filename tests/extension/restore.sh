#!/bin/bash
# pg_dump and restore, plain and custom, keep the data, are silent, and the chat goes on where it was.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

sql <<'SQL'
CREATE SCHEMA chat;
CREATE EXTENSION unichat SCHEMA chat;
SET search_path = chat;
SELECT unichat_send('ann', 'Hello', client_message_id => 'c1', player_name => 'Ann');
SELECT unichat_send('ann', 'Hi', 'staff', 'sue');
SELECT unichat_status(1, 'resolved', 'sue');
SELECT unichat_send('ann', E'tab\tnewline\nbackslash \\ 😀');
INSERT INTO chat_messages (player_id, message_text) SELECT 'p' || i % 7, 'm' || i FROM generate_series(1, 100) i;
SELECT unichat_read('ann', 'staff', 2);
SELECT unichat_erase_player('p3', 'dpo');
SQL

# Everything, as text, but for what must differ: an event's xid.
contents() {
    sql -d "$1" -c "SET search_path = chat" -c "
        SELECT to_jsonb(t) FROM chat_players t ORDER BY player_id" -c "
        SELECT to_jsonb(t) FROM chat_requests t ORDER BY id" -c "
        SELECT to_jsonb(t) FROM chat_messages t ORDER BY player_id, seq" -c "
        SELECT to_jsonb(t) - 'xid' FROM chat_events t ORDER BY player_id, seq" -c "
        SELECT to_jsonb(t) FROM push_notifications t ORDER BY id" -c "
        SELECT last_value, is_called FROM chat_requests_id_seq" -c "
        SELECT last_value, is_called FROM chat_messages_id_seq" -c "
        SELECT last_value, is_called FROM push_notifications_id_seq"
}
verified() { sql -d "$1" -c "SELECT player_id, (chat.unichat_verify(player_id)).* FROM chat.chat_players ORDER BY 1"; }
same "every history verifies" t "$(sql -c 'SELECT bool_and((chat.unichat_verify(player_id)).ok) FROM chat.chat_players')"
contents "$db" >"$work/before"
position=$(sql -c 'SELECT pg_current_snapshot()')

check() { # $1: how it was restored
    contents "${db}_copy" >"$work/after"
    diff "$work/before" "$work/after" || fail "$1: not the same"
    echo "ok: $1: everything is there"
    same "$1: no event is news" 0 "$(sql -d "${db}_copy" -c "SELECT count(*) FROM chat.unichat_events_since('$position')")"
    same "$1: every history verifies" "$(verified "$db")" "$(verified "${db}_copy")"
    same "$1: replay" "1 t" "$(sql -F' ' -d "${db}_copy" -c "SELECT message_id, is_replay FROM chat.unichat_send('ann', 'Hello', client_message_id => 'c1')")"
    same "$1: the chat goes on" "$(sql -F' ' -c "SELECT 1 + (SELECT last_value FROM chat.chat_messages_id_seq), last_seq + 1, false FROM chat.chat_players WHERE player_id = 'ann'")" \
        "$(sql -F' ' -d "${db}_copy" -c "SELECT message_id, seq, is_new_request FROM chat.unichat_send('ann', 'back')")"
    same "$1: a new chat" "$(sql -F' ' -c "SELECT 1 + last_value, true FROM chat.chat_requests_id_seq")" \
        "$(sql -F' ' -d "${db}_copy" -c "SELECT request_id, is_new_request FROM chat.unichat_send('new', 'hello')")"
    dropdb "${db}_copy"
}

pg_dump "$db" >"$work/plain.sql"
createdb "${db}_copy"
sed '/^CREATE EXTENSION.* unichat/a SELECT chat.unichat_listen();' "$work/plain.sql" |
    psql -Xq -v ON_ERROR_STOP=1 -d "${db}_copy" >"$work/out"
! grep -q 'Asynchronous notification' "$work/out" || fail "the restore notified"
secret() { sql -d "$1" -c 'SELECT secret FROM chat.unichat_secret'; }
! grep -q "$(secret "$db")" "$work/plain.sql" || fail "the secret is in the dump"
[[ $(secret "${db}_copy") =~ ^[0-9a-f]{32}$ && $(secret "${db}_copy") != "$(secret "$db")" ]] || fail "the restored database has no secret of its own"
check "plain"

pg_dump -Fc -f "$work/custom" "$db"
createdb "${db}_copy"
pg_restore -e -d "${db}_copy" "$work/custom"
check "custom"

pg_dump --inserts --column-inserts "$db" >"$work/inserts.sql"
createdb "${db}_copy"
psql -Xq -v ON_ERROR_STOP=1 -d "${db}_copy" -f "$work/inserts.sql" >"$work/out"
check "inserts"

createdb "${db}_copy"
pg_restore -e --disable-triggers -d "${db}_copy" "$work/custom"
contents "${db}_copy" | diff "$work/before" - || fail "--disable-triggers: not the same"
same "--disable-triggers: every history verifies" "$(verified "$db")" "$(verified "${db}_copy")"
dropdb "${db}_copy"

# Hashes are of UTF-8, whatever the database's encoding.
createdb -T template0 -E LATIN1 --locale C "${db}_copy"
sql -c "SELECT chat.unichat_erase_player('ann')" >/dev/null # 😀 is not in LATIN1
sql -c "SELECT seq FROM chat.unichat_send('bea', 'Grüße')" >/dev/null
pg_dump -Fc -f "$work/custom" "$db"
pg_restore -e -d "${db}_copy" "$work/custom"
same "another encoding: every history verifies" "$(verified "$db")" "$(verified "${db}_copy")"
echo "ok: --disable-triggers"
