#!/bin/bash
# usage: check-extension.sh [TEST…]    Tests the extension on a private PostgreSQL cluster made for it and removed after:
# pg_regress (sql/), the isolation tester (specs/), and the scripts of tests/extension. With names, only those.
# With SAN=1 the extension runs under AddressSanitizer and UBSan, and a report of theirs is a failure. They watch unichat.so,
# not the server: its stack, globals and what malloc gave; within PostgreSQL's memory contexts only from block to block.
# Prints a line for each test and then `N passed, N failed`; exit code 1 if any failed.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
top=$PWD
bin=$(scripts/private-pg.sh) || exit 1
pgxs=$(dirname "$("$bin/pg_config" --pgxs)")/../..
as_postgres=$top/scripts/as-postgres.sh
dir=$(mktemp -d "${TMPDIR:-/var/tmp}/unichat-check.XXXXXX")
out=$top/build/check-extension${SAN:+-san}
mkdir -p "$out"
"$as_postgres" true || exit 1
[ "$(id -u)" -ne 0 ] || chown "${PGUSER_OS:-postgres}" "$dir"

cleanup() {
    "$as_postgres" "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null 2>&1
    rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

"$as_postgres" "$bin/initdb" -D "$dir/data" -U postgres -A trust -N -E UTF8 --locale=C.UTF-8 >"$out/initdb.log" 2>&1 || {
    cat "$out/initdb.log"
    exit 1
}
sanitizers=() # the environment of the server; what its processes find goes to files, as they have no terminal
if [ -n "${SAN:-}" ]; then
    options=detect_leaks=0:abort_on_error=1:halt_on_error=1:print_stacktrace=1:log_path=$dir/sanitizer
    # With libasan before it, glibc 2.36 comes to main() with gettext's lock read-unlocked once too often, and the first to
    # set a text domain waits for ever. The server's messages stay English anyway.
    gcc -shared -fPIC -o "$dir/no-domains.so" -x c - <<<'char *bindtextdomain(const char *d, const char *f) { return (char *) f; }
        char *textdomain(const char *d) { return (char *) d; }' || exit 1
    chmod 755 "$dir/no-domains.so"
    sanitizers=(env "LD_PRELOAD=$(gcc -print-file-name=libasan.so) $dir/no-domains.so" "ASAN_OPTIONS=$options" "UBSAN_OPTIONS=$options")
fi
start_server() { # $@: more options of the server
    "$as_postgres" "${sanitizers[@]}" "$bin/pg_ctl" -D "$dir/data" -w -l "$dir/server.log" restart \
        -o "-c listen_addresses='' -c unix_socket_directories=$dir -c fsync=off -c max_prepared_transactions=10 $*" \
        >"$out/start.log" 2>&1 || {
        cat "$out/start.log" "$dir/server.log"
        exit 1
    }
}
start_server
export PGHOST=$dir PGPORT=5432 PGUSER=postgres PGDATABASE=postgres PATH=$bin:$PATH
unset PGOPTIONS PGSERVICE PGPASSWORD

names() { for f in "$@"; do [ -e "$f" ] && basename "${f%.*}"; done; }
wanted() { # those of the names on standard input that were asked for
    if [ ${#only[@]} -eq 0 ]; then cat; else grep -Fx -f <(printf '%s\n' "${only[@]}"); fi
}
only=("$@")
mapfile -t regress < <(names sql/*.sql | wanted)
mapfile -t specs < <(names specs/*.spec | wanted)
mapfile -t scripts < <(names tests/extension/*.sh | grep -vxE 'lib|delivery' | wanted)
mapfile -t preloaded < <(names tests/extension/delivery.sh | wanted)
passed=0 failed=0

tally() { # $1: the log of pg_regress
    local ok bad
    ok=$(grep -Ec '^(test .*\bok\b|ok [0-9]+)' "$1")
    bad=$(grep -Ec '^(test .*FAILED|not ok [0-9]+)' "$1")
    passed=$((passed + ok)) failed=$((failed + bad))
    [ $((ok + bad)) -gt 0 ] || failed=$((failed + 1))
    grep -E '^(test |ok |not ok )' "$1"
    [ "$bad" -eq 0 ] || cat "$(dirname "$1")/regression.diffs"
}

run_regress() {
    [ ${#regress[@]} -gt 0 ] || return
    mkdir -p "$out/regress"
    "$pgxs/src/test/regress/pg_regress" --inputdir=. --outputdir="$out/regress" --bindir="$bin" \
        --dbname=regress "${regress[@]}" >"$out/regress/log" 2>&1
    tally "$out/regress/log"
}
run_scripts() { # $@: names
    local name
    for name in "$@"; do
        if timeout -k 10 "${TEST_TIMEOUT:-600}" "tests/extension/$name.sh" >"$out/$name.log" 2>&1; then
            echo "ok - $name"
            passed=$((passed + 1))
        else
            echo "not ok - $name"
            tail -n 40 "$out/$name.log"
            failed=$((failed + 1))
        fi
    done
}

run_regress
if [ ${#specs[@]} -gt 0 ]; then
    mkdir -p "$out/isolation"
    "$pgxs/src/test/isolation/pg_isolation_regress" --inputdir=. --outputdir="$out/isolation" --bindir="$bin" \
        --dbname=isolation "${specs[@]}" >"$out/isolation/log" 2>&1
    tally "$out/isolation/log"
fi
run_scripts "${scripts[@]}"

# The same with the library preloaded: the delivery worker notifies.
start_server -c shared_preload_libraries=unichat -c max_worker_processes=32
run_regress
run_scripts "${preloaded[@]}"
if grep -Eq 'PANIC|TRAP:|terminated by signal (4|6|7|8|11)' "$dir/server.log"; then
    echo "not ok - the server crashed"
    grep -E 'PANIC|TRAP:|terminated by signal (4|6|7|8|11)' "$dir/server.log"
    failed=$((failed + 1))
fi
# AddressSanitizer reports to the files, UBSan to the server's log.
if grep -hE -A 25 'ERROR: AddressSanitizer|runtime error:' "$dir/server.log" "$dir"/sanitizer.* 2>/dev/null | head -n 200 | grep .; then
    echo "not ok - a sanitizer has a report"
    failed=$((failed + 1))
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
