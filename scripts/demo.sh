#!/bin/bash
# usage: demo.sh    (make demo)    The whole of unichat on this machine until Ctrl-C: a private PostgreSQL cluster with the
# extension, the bridge, and both portals on http://localhost:$DEMO_PORT (8080).
#
# Everything is in build/demo (DEMO_DIR): data, secrets and logs. It is kept, so that the next start takes seconds and finds the chats.
# PostgreSQL listens on no TCP port; its socket is in a folder that only its user may enter. As root, both servers run
# as the user postgres; if he cannot reach build/, build/demo is a link to a folder in /var/tmp.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
port=${DEMO_PORT:-8080}
demo=${DEMO_DIR:-build/demo}
cd "$top"
as=$top/scripts/as-postgres.sh

fail() {
    echo "make demo: $*" >&2
    exit 1
}

port_open() { (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; }

check_port() {
    if ! [[ $port =~ ^[0-9]{1,5}$ ]] || [ "$port" -lt 1 ] || [ "$port" -gt 65535 ]; then
        fail "DEMO_PORT=$port is not a port number"
    fi
    if port_open; then
        fail "port $port is in use by another program; choose another: make demo DEMO_PORT=8081"
    fi
}

# Finds the folder, makes it and takes it for this run alone.
take_home() {
    if [ ! -e "$demo" ]; then
        rm -f "$demo"
        if "$as" test -x "$(realpath "$(dirname "$demo")")"; then
            mkdir "$demo"
        else
            ln -s "$(mktemp -d /var/tmp/unichat-demo.XXXXXX)" "$demo"
        fi
    fi
    home=$(realpath "$demo")
    exec 9>"$home/lock"
    flock -n 9 || fail "another demo runs from this folder already"
    [ "$(id -u)" -ne 0 ] || chown postgres: "$home"
    chmod 700 "$home"
}

# What the servers need where the server's user cannot look into the project.
stage_programs() {
    program=$top/build/unichat-bridge web=$top/build/web
    if ! "$as" test -x "$program"; then
        rm -rf "$home/web"
        cp -r "$web" "$home/web"
        install -m 755 "$program" "$home/unichat-bridge"
        chmod -R a+rX "$home/web"
        program=$home/unichat-bridge web=$home/web
    fi
}

secret() { # FILE BYTES: a random secret in a file of the server's user, made once
    if [ ! -s "$home/$1" ]; then
        (umask 077 && head -c "$2" /dev/urandom | base64 | tr -d '=\n' | tr '+/' '-_' >"$home/$1")
        [ "$(id -u)" -ne 0 ] || chown postgres: "$home/$1"
    fi
}

start_postgres() {
    if [ ! -s "$home/pg/PG_VERSION" ]; then
        echo "Making a PostgreSQL cluster in $demo/pg"
        "$as" "$bin/initdb" -D "$home/pg" -U postgres -A trust -E UTF8 --locale=C.UTF-8 >"$home/initdb.log" 2>&1 ||
            { cat "$home/initdb.log" >&2; fail "initdb failed"; }
    fi
    sockets=$(mktemp -d /tmp/unichat-demo.XXXXXX) # a short path: a socket's name has 107 bytes at most
    [ "$(id -u)" -ne 0 ] || chown postgres: "$sockets"
    setsid "$as" "$bin/postgres" -D "$home/pg" -c listen_addresses= -c unix_socket_directories="$sockets" \
        -c shared_preload_libraries=unichat \
        >"$home/postgres.log" 2>&1 9>&- &
    postgres=$!
    until "$as" "$bin/pg_isready" -q -h "$sockets"; do
        kill -0 "$postgres" 2>/dev/null || { tail -n 20 "$home/postgres.log" >&2; fail "PostgreSQL did not start"; }
        sleep 0.1
    done
}

sql() { "$as" "$bin/psql" -X -q -A -t -v ON_ERROR_STOP=1 -h "$sockets" -U postgres "$@"; }

create_extension() {
    [ -n "$(sql -d postgres -c "SELECT 1 FROM pg_database WHERE datname = 'chat'")" ] || sql -d postgres -c 'CREATE DATABASE chat'
    local sum
    sum=$(cat extension/unichat--*.sql | sha256sum)
    if [ -s "$home/script.sum" ] && [ "$(cat "$home/script.sum")" != "$sum" ] &&
        sql -d chat -c "SELECT 'same' FROM pg_available_extensions WHERE name = 'unichat' AND installed_version = default_version" | grep -q same; then
        fail "the extension's tables have changed under the same version since this demo was made; start afresh: make demo-clean demo"
    fi
    sql -d chat -c 'SET client_min_messages = warning' -c 'CREATE EXTENSION IF NOT EXISTS unichat' -c 'ALTER EXTENSION unichat UPDATE'
    echo "$sum" >"$home/script.sum"
    [ -n "$(sql -d postgres -c "SELECT 1 FROM pg_roles WHERE rolname = 'chat_bridge'")" ] ||
        sql -d postgres -c 'CREATE ROLE chat_bridge LOGIN IN ROLE unichat_bridge'
}

write_config() {
    secret app_secret 24
    secret jwt_secret 32
    secret demo_password 9
    cat >"$home/unichat-bridge.conf" <<END
# Written by make demo at every start.
listen_address = 127.0.0.1
listen_port = $port
database = host=$sockets dbname=chat user=chat_bridge
app_id = demo
app_key = demo
app_secret_file = $home/app_secret
jwt_secret_file = $home/jwt_secret
demo_password_file = $home/demo_password
web_root = $web
END
    chmod a+r "$home/unichat-bridge.conf"
}

ready() { # GET /readyz without a client to be installed
    local status
    status=$(exec 2>/dev/null 3<>"/dev/tcp/127.0.0.1/$port" && printf 'GET /readyz HTTP/1.0\r\n\r\n' >&3 && head -n 1 <&3) || return 1
    [[ $status == *" 200 "* ]]
}

start_bridge() {
    setsid "$as" "$program" --config "$home/unichat-bridge.conf" >"$home/bridge.log" 2>&1 9>&- &
    bridge=$!
    until ready; do
        kill -0 "$bridge" 2>/dev/null || { tail -n 20 "$home/bridge.log" >&2; fail "the bridge did not start"; }
        sleep 0.1
    done
}

# shellcheck disable=SC2317 # called by the trap
stop_all() {
    trap '' INT TERM HUP
    if [ -n "${bridge:-}" ]; then kill -TERM "$bridge" 2>/dev/null; wait "$bridge" || true; fi
    if [ -n "${postgres:-}" ]; then kill -INT "$postgres" 2>/dev/null; wait "$postgres" || true; fi
    if [ -n "${sockets:-}" ]; then rm -rf "$sockets"; fi
}

show() {
    cat <<END

  unichat is running: http://localhost:$port/ leads to both portals. Open them side by side:

    player   http://localhost:$port/player/
    staff    http://localhost:$port/staff/

    Name     any (the player's is who asks, the staff's is who answers)
    Password $(cat "$home/demo_password")

  In SQL:    $([ "$(id -u)" -ne 0 ] || echo "$as ")$bin/psql -h $sockets -U postgres chat
             SELECT * FROM unichat_send('player-1', 'Hello from SQL');
  Logs:      $demo/bridge.log, $demo/postgres.log
  Ctrl-C stops it; the chats are kept for the next time (make demo-clean forgets them).

END
}

umask 022
check_port
mkdir -p build
take_home
bin=$(scripts/private-pg.sh)
stage_programs
trap stop_all EXIT
trap 'echo; echo "Stopping."; exit 0' INT TERM HUP
start_postgres
create_extension
write_config
start_bridge
show
wait -n "$bridge" "$postgres" || true
tail -n 20 "$home/bridge.log" "$home/postgres.log" >&2
fail "a server ended by itself; its last words are above"
