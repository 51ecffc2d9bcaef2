#!/bin/bash
# usage: private-pg.sh    Builds the extension, installs it into the project's private PostgreSQL and prints that
# PostgreSQL's bin folder. Quick when nothing has changed; several may run at once.
#
# The private PostgreSQL is build/pg (see pg-root.sh). When we are root and the user postgres cannot reach that folder,
# as in a clone below a closed home, it is a folder of its own in /var/tmp, and build/pg is a link to it.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
umask 022 # the server may be another user than we
mkdir -p "$top/build"
exec 9>"$top/build/.private-pg.lock"
flock 9

pg=$top/build/pg
if [ ! -e "$pg" ] && ! "$top/scripts/as-postgres.sh" test -x "$top/build"; then
    rm -f "$pg"
    ln -s "$(mktemp -d /var/tmp/unichat-pg.XXXXXX)" "$pg"
    chmod 755 "$pg/"
fi
pg=$(cd "$top" && mkdir -p build/pg && realpath build/pg)
pg_config=$("$top/scripts/pg-root.sh" "$pg")
cd "$top"
make=(make --no-print-directory -f extension/pgxs.mk "PG_CONFIG=$pg_config")
"${make[@]}" all >"$pg/build.log" 2>&1 || { cat "$pg/build.log" >&2; exit 1; }

# Installing again under a running server is harmless but would race with one that is just loading it: only on a change.
stamp=$pg/installed
sum=$(cat unichat.so unichat.control extension/unichat--*.sql | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
    "${make[@]}" install >"$pg/build.log" 2>&1 || { cat "$pg/build.log" >&2; exit 1; }
    echo "$sum" >"$stamp"
fi
dirname "$pg_config"
