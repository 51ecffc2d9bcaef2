#!/bin/bash
# After unichat_erase_player nothing that the player wrote or is called is left: in no table, in no statistics of the planner,
# in no file of the database.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"

sql <<'SQL' >/dev/null
CREATE EXTENSION unichat;
SELECT unichat_send('ann', 'kolibri in the first message', 'player', 'kolibri@example.org', 'kolibri-id-1', 'Kolibri Ann', 'urgent');
SELECT unichat_send('ann', 'kolibri quoted by the staff', 'staff', 'sue');
SELECT unichat_send('ann', 'kolibri told by the system', 'system', client_message_id => 'kolibri-id-2');
SELECT unichat_status(1, 'resolved', 'sue');
SELECT unichat_send('ann', repeat('kolibri in a long one ', 150), player_name => 'Kolibri Anne');
SELECT unichat_block('ann', true, 'sue'), unichat_block('ann', false, 'sue');
UPDATE chat_requests SET urgency = 'low', player_name = 'Kolibri III' WHERE player_id = 'ann' AND status = 'waiting';
SELECT id, attempt, unichat_push_result(id, attempt, 'retry', 500, NULL, 'refused: kolibri in the first message')
  FROM unichat_push_claim('1 minute', 10);
UPDATE push_notifications SET data = '{"name": "Kolibri"}';
SELECT unichat_send('bob', 'a parrot, that stays', player_name => 'Bob');
INSERT INTO chat_messages (player_id, message_text) SELECT 'bob', 'parrot ' || i FROM generate_series(1, 500) i;
ANALYZE;
SQL

everything() { # rows, statistics, what the server has in its views
    pg_dump --data-only "$db"
    sql -c "SELECT * FROM pg_stats WHERE schemaname = 'public'" -c 'SELECT last_error FROM push_notifications'
}
on_disk() { # $1: text. How many files of the database have it
    sql -c CHECKPOINT
    local folder
    folder=$(sql -c "SELECT current_setting('data_directory') || '/base/' || oid FROM pg_database WHERE datname = '$db'")
    find "$folder" -type f -exec grep -ali "$1" {} + | wc -l
}

[ "$(everything | grep -ci kolibri)" -ge 7 ] || fail "the kolibri was not where it should be"
[ "$(everything | grep -ci parrot)" -ge 500 ] || fail "nor the parrot"
[ "$(on_disk kolibri)" -gt 0 ] || fail "nor on the disk"
same "statistics have no text" 0 "$(sql -c "SELECT count(*) FROM pg_stats WHERE schemaname = 'public' AND pg_stats::text ~* 'kolibri|parrot'")"

sql -c "SELECT unichat_erase_player('ann', 'dpo')" >/dev/null
same "rows are erased" "" "$(everything | grep -i kolibri || true)"
same "and another's are not" "" "$(everything | grep -c parrot | grep -v '50[0-9]')"
sql -c 'VACUUM FULL chat_players, chat_requests, chat_messages, chat_events, push_notifications, push_attempts'
same "files are" 0 "$(on_disk kolibri)"
[ "$(on_disk parrot)" -gt 0 ] || fail "the search is wrong"
same "and the trail is whole" t "$(sql -c "SELECT ok FROM unichat_verify('ann')")"
