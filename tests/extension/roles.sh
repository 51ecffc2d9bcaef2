#!/bin/bash
# The roles that CREATE EXTENSION makes: in two databases at once, when one of the name exists, and after DROP EXTENSION.
# shellcheck source=tests/extension/lib.sh
. "$(dirname "$0")/lib.sh"
roles="'unichat_app', 'unichat_bridge', 'unichat_admin', 'unichat_player'"

each_role() { # WHICH STATEMENT: for each of the roles whose names fit
    sql -d postgres -c "DO \$\$ DECLARE r text; BEGIN
        FOR r IN SELECT rolname FROM pg_roles WHERE rolname ~ '$1' LOOP EXECUTE replace('$2', 'ROLE', 'ROLE ' || r); END LOOP; END \$\$"
}
put_away() { # other databases of this cluster use them
    for role in app bridge admin player; do each_role "^unichat_$role\$" "ALTER ROLE RENAME TO away_$role"; done
}
put_back() {
    dropdb --if-exists "$db"
    dropdb --if-exists "${db}_copy"
    each_role '^(mallory|unichat_(app|bridge|admin|player))$' 'DROP ROLE'
    for role in app bridge admin player; do each_role "^away_$role\$" "ALTER ROLE RENAME TO unichat_$role"; done
    rm -rf "$work"
}
trap put_back EXIT
count() { sql -c "SELECT count(*) FROM pg_roles WHERE rolname IN ($roles) AND NOT rolcanlogin AND NOT rolsuper"; }
create() { sql -c 'CREATE EXTENSION unichat' 2>&1; }

put_away
createdb "${db}_copy"
mkfifo "$work/go"
{ echo 'BEGIN; CREATE EXTENSION unichat;' && read -r <"$work/go" && echo 'COMMIT;'; } | sql -d "${db}_copy" &
first=$!
until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '${db}_copy' AND state = 'idle in transaction'")" = 1 ]; do :; done
create >"$work/second" &
second=$!
until [ "$(sql -c "SELECT count(*) FROM pg_stat_activity WHERE datname = '$db' AND wait_event_type = 'Lock'")" = 1 ]; do :; done
echo go >"$work/go"
wait "$first"
wait "$second" || fail "in two databases at once: $(cat "$work/second")"
same "in two databases at once" "4" "$(count)"
same "and silently" "" "$(cat "$work/second")"
dropdb "${db}_copy"

sql -c 'DROP EXTENSION unichat'
same "DROP EXTENSION leaves them" 4 "$(count)"
same "and the next one takes them" "" "$(create)"
same "with their rights" t "$(sql -c "SELECT has_table_privilege('unichat_app', 'chat_messages', 'INSERT')")"
sql -c 'DROP ROLE unichat_app' 2>"$work/err" && fail "a role that has rights was dropped"
grep -q 'some objects depend on it' "$work/err" || fail "$(cat "$work/err")"
sql -c 'DROP EXTENSION unichat'

# Somebody who may create roles has made one beforehand.
sql -c 'DROP OWNED BY unichat_admin' -c 'DROP ROLE unichat_admin'
for how in LOGIN CREATEROLE CREATEDB BYPASSRLS 'IN ROLE pg_write_server_files'; do
    sql -c "CREATE ROLE unichat_admin $how"
    create >"$work/err" && fail "a role with $how was taken for ours"
    grep -q "role \"unichat_admin\" exists and is not one of unichat's" "$work/err" || fail "$(cat "$work/err")"
    sql -c 'DROP ROLE unichat_admin'
    echo "ok: refused: a role with $how"
done
sql -c 'CREATE ROLE mallory' -c 'CREATE ROLE unichat_admin ROLE mallory'
create >"$work/out"
grep -q 'role "unichat_admin" has members already, .*: mallory' "$work/out" || fail "the members were not told: $(cat "$work/out")"
echo "ok: members of a role that exists are told"
