#!/bin/bash
# usage: valgrind-extension.sh    The extension under valgrind: tests/extension/life.sql, a statement a line, in one
# backend (the server's single-user mode). A finding counts when a source of ours is in its stack: a server that is not built for
# valgrind has some of its own, of padding that it writes. Exit code 1 if there is one, or if it did not come to the end.
set -euo pipefail
cd "$(dirname "$0")/.."
top=$PWD
bin=$(scripts/private-pg.sh)
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/unichat-valgrind.XXXXXX")
trap 'rm -rf "$dir"' EXIT
[ "$(id -u)" -ne 0 ] || chown "${PGUSER_OS:-postgres}" "$dir"

scripts/as-postgres.sh "$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 >"$dir.initdb" 2>&1 || {
    cat "$dir.initdb"
    exit 1
}
rm -f "$dir.initdb"
"$top/scripts/as-postgres.sh" valgrind -q --leak-check=no --log-file="$dir/found" \
    "$bin/postgres" --single -D "$dir/data" postgres <tests/extension/life.sql >"$top/build/valgrind-extension.log" 2>&1
if ! grep -q 'oldest_waiting_seconds = ' build/valgrind-extension.log; then # the last statement's answer
    tail -n 40 build/valgrind-extension.log
    exit 1
fi
ours=$(cd extension && printf '%s\n' *.c | paste -sd '|')
if grep -qE "unichat\.so|\(($ours):[0-9]+\)" "$dir/found"; then
    cat "$dir/found"
    exit 1
fi
