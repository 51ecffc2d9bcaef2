#!/bin/bash
# usage: as-postgres.sh COMMAND [ARG…]    Runs COMMAND as somebody whom PostgreSQL accepts: the user himself, or, for
# root, the user postgres (PGUSER_OS names another). It execs, so signals and exit codes are COMMAND's own.
set -euo pipefail
if [ "$(id -u)" -ne 0 ]; then
    exec "$@"
fi
user=${PGUSER_OS:-postgres}
if ! id "$user" >/dev/null 2>&1; then
    echo "as-postgres.sh: PostgreSQL refuses to run as root and there is no user \"$user\"; create it or be a normal user" >&2
    exit 1
fi
cd / # the working folder may be closed to that user
exec setpriv --reuid "$user" --regid "$(id -g "$user")" --init-groups -- env HOME=/ "$@"
