#!/bin/bash
# usage: private-pg.sh    Builds the extension, installs it into the project's private PostgreSQL and prints that
# PostgreSQL's bin folder. Quick when nothing has changed; several may run at once.
# With SAN=1 it is another PostgreSQL, build/san-pg, with the extension built for AddressSanitizer and UBSan.
#
# The private PostgreSQL is build/pg (see pg-root.sh). When we are root and the user postgres cannot reach that folder,
# as in a clone below a closed home, it is a folder of its own in /var/tmp, and build/pg is a link to it.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
umask 022 # the server may be another user than we
san=${SAN:+san-}
mkdir -p "$top/build"
exec 9>"$top/build/.${san}private-pg.lock"
flock 9

pg=$top/build/${san}pg
if [ ! -e "$pg" ] && ! "$top/scripts/as-postgres.sh" test -x "$top/build"; then
    rm -f "$pg"
    ln -s "$(mktemp -d /var/tmp/unichat-pg.XXXXXX)" "$pg"
    chmod 755 "$pg/"
fi
pg=$(cd "$top" && mkdir -p "$pg" && realpath "$pg")
pg_config=$("$top/scripts/pg-root.sh" "$pg")
cd "$top"
make=(make --no-print-directory -f extension/pgxs.mk "PG_CONFIG=$pg_config")
if [ -n "$san" ]; then # objects of another kind: in a copy of the sources
    source=$top/build/san-extension
    rm -rf "$source" && mkdir -p "$source"
    cp --parents unichat.control extension/*.[ch] extension/pgxs.mk extension/sql/*.sql "$source/"
    cd "$source"
    sanitize="-fsanitize=address,undefined -fno-sanitize-recover=undefined"
    make+=(-j"${JOBS:-$(nproc)}" CC=gcc with_llvm=no "COPT=$sanitize -U_FORTIFY_SOURCE -O1 -fno-omit-frame-pointer" "SHLIB_LINK=$sanitize")
fi
"${make[@]}" all >"$pg/build.log" 2>&1 || { cat "$pg/build.log" >&2; exit 1; }

# Installing again under a running server is harmless but would race with one that is just loading it: only on a change.
stamp=$pg/installed
sum=$(cat unichat.so unichat.control extension/unichat--*.sql | sha256sum)
if [ "$(cat "$stamp" 2>/dev/null)" != "$sum" ]; then
    "${make[@]}" install >"$pg/build.log" 2>&1 || { cat "$pg/build.log" >&2; exit 1; }
    echo "$sum" >"$stamp"
fi
dirname "$pg_config"
