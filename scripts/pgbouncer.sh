#!/bin/bash
# usage: pgbouncer.sh    Prints where pgbouncer is. Where it is not installed, Debian's package is unpacked into
# build/pgbouncer: installing it would start a service that nobody here asked for.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
if [ -x /usr/sbin/pgbouncer ]; then
    echo /usr/sbin/pgbouncer
    exit 0
fi
folder=$top/build/pgbouncer
if [ ! -x "$folder/usr/sbin/pgbouncer" ]; then
    mkdir -p "$folder"
    (cd "$folder" && apt-get download -qq pgbouncer >&2 && dpkg -x pgbouncer_*.deb .)
fi
echo "$folder/usr/sbin/pgbouncer"
