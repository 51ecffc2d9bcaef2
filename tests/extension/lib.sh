# shellcheck shell=bash
# What the scripts beside this one share. They run within scripts/check-extension.sh, which gives them a cluster: PGHOST,
# PGUSER and PATH are set. Each makes a database of its own name and removes it.
set -euo pipefail
name=$(basename "$0" .sh)
db=unichat_$name
work=$(mktemp -d)
# shellcheck disable=SC2064 # the values of now
trap "rm -rf '$work'; dropdb --if-exists '$db'; dropdb --if-exists '${db}_copy'" EXIT
createdb "$db"
export PGDATABASE=$db

sql() { psql -XqAt -v ON_ERROR_STOP=1 "$@"; }

fail() {
    echo "$name: $*" >&2
    exit 1
}

same() { # what, expected, got
    [ "$2" = "$3" ] || fail "$1
expected: $2
got:      $3"
    echo "ok: $1"
}
