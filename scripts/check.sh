#!/bin/bash
# usage: check.sh [PART…]    Runs the tests, all parts or those named, and prints a table and then `N passed, N failed`.
#
# A part is a function part_NAME below. It writes to a log of its own; how many tests passed is read from what its test
# tools print (TAP of cmocka and node --test, pg_regress and the isolation tester), so a part cannot claim more than ran.
# A part of plain commands counts as one test. A failing part does not stop the others, nor does one that does not end
# within PART_TIMEOUT seconds; the end of its log is printed.
# Exit code 1 if anything failed, or if a part ran nothing.
set -uo pipefail
cd "$(dirname "$0")/.."
top=$PWD
logs=$top/build/check
jobs=${JOBS:-$(nproc)}
part_timeout=${PART_TIMEOUT:-1200}
running= # the process of the part that runs
export WERROR=-Werror
ALL=(build unit extension extension-san lib e2e security faults push pusher suites web browser fuzz valgrind docs style lint)

# The parts. In each, the first failing command ends it. -------------------------------------------------------------

part_build() { # both compilers, without a warning
    step "gcc" make --no-print-directory -j"$jobs" all CC=gcc
    step "clang, bridge" make --no-print-directory -j"$jobs" -C bridge CC=clang BUILD="$top/build/clang" \
        CFLAGS="-O2 -g -grecord-command-line"
    rm -rf build/clang-extension && mkdir -p build/clang-extension
    cp -r extension unichat.control build/clang-extension/
    find build/clang-extension -name '*.o' -delete
    # PostgreSQL's own flags and headers were made for gcc.
    step "clang, extension" make --no-print-directory -j"$jobs" -C build/clang-extension -f extension/pgxs.mk CC=clang \
        COPT="-grecord-command-line -Wno-unknown-warning-option -Wno-ignored-optimization-argument -Wno-ignored-attributes"
    step "hardened: gcc, bridge" hardened build unichat-bridge bridge build/obj
    step "hardened: gcc, extension" hardened . unichat.so extension extension
    step "hardened: clang, bridge" hardened build/clang unichat-bridge bridge build/clang/obj
    step "hardened: clang, extension" hardened build/clang-extension unichat.so extension build/clang-extension/extension
    step "hardened: what is not, is found" scripts/check-hardening.sh --self-test
    step "systemd unit" scripts/check-unit.sh build/unichat-bridge
    step "sanitizers" make --no-print-directory -j"$jobs" -C bridge SAN=1 all unit
    step "install and uninstall" install_and_uninstall
}

part_unit() { # the pure parts, under AddressSanitizer and UBSan
    make --no-print-directory -s -j"$jobs" -C bridge SAN=1 unit
    local test failed=0
    for test in tests/unit/test_*.c; do
        test=build/san/unit/$(basename "$test" .c)
        echo "# $test"
        CMOCKA_MESSAGE_OUTPUT=TAP "$test" 2>&1 || failed=1
    done
    return "$failed"
}

part_extension() { scripts/check-extension.sh; } # pg_regress, isolation, dump and restore
part_extension-san() { SAN=1 scripts/check-extension.sh; } # the same under AddressSanitizer and UBSan

part_lib() { node_tests tests/lib; }
part_e2e() { sanitized_bridge && node_tests tests/e2e; }
part_security() { sanitized_bridge && node_tests tests/security; } # limits, hostile clients
part_faults() { sanitized_bridge && node_tests tests/faults; } # sockets cut, servers killed, at random
part_push() { sanitized_bridge && node_tests tests/push; }
part_pusher() { sanitized_bridge && node_tests tests/pusher; }
part_suites() { # Pusher's own, in a network namespace of their own
    make --no-print-directory -s -j"$jobs" -C bridge
    tests/suites/run.sh sdk node chromium
}
part_web() { node_tests web; }                                        # the portals' pure parts
part_browser() { scripts/build-web.sh && node_tests tests/browser; } # both portals in Chromium

part_fuzz() { # every parser, from its seeds, for a while
    local source
    make --no-print-directory -s -j"$jobs" -C bridge CC=clang FUZZ=1 fuzz
    for source in tests/fuzz/fuzz_*.c; do
        step "$(basename "$source" .c)" fuzz_one "$(basename "$source" .c)"
    done
}

part_valgrind() { # what the sanitizers do not see: memory that was never written
    make --no-print-directory -s -j"$jobs" -C bridge all unit
    local test failed=0
    for test in tests/unit/test_*.c; do
        test=$(basename "$test" .c)
        step "$test" valgrind -q --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite "build/unit/$test" || failed=1
    done
    step "the bridge, in a chat, reloading and stopping" valgrind_bridge || failed=1
    step "the extension, in one backend" scripts/valgrind-extension.sh || failed=1
    return "$failed"
}

part_docs() { # what is generated from the settings is what is committed
    build/unichat-bridge --print-config-doc | diff -u docs/configuration.md - && echo "ok - docs/configuration.md"
    build/unichat-bridge --print-config-example | diff -u packaging/unichat-bridge.conf.example - && echo "ok - example"
    step "tests that the docs name" named_tests_exist
}

part_style() {
    local sources scripts failed=0
    mapfile -t sources < <(git ls-files 'bridge/*.[ch]' 'tests/unit/*.[ch]' 'tests/fuzz/*.[ch]')
    mapfile -t scripts < <(git ls-files .ci/run '*.sh')
    step "clang-format" clang-format --dry-run -Werror "${sources[@]}" || failed=1
    step "shellcheck" shellcheck "${scripts[@]}" || failed=1
    step "dialect" scripts/check-dialect.sh || failed=1
    step "layers" scripts/check-layers.sh || failed=1
    step "headers" scripts/check-headers.sh || failed=1
    step "waits" scripts/check-waits.sh || failed=1
    step "secrets" scripts/check-secrets.sh || failed=1
    scripts/npm-ci.sh tests
    step "eslint" tests/node_modules/.bin/eslint . || failed=1
    return "$failed"
}

part_lint() { step "clang-tidy, cppcheck and gcc -fanalyzer" scripts/static-checks.sh; }

# What they are made of. ---------------------------------------------------------------------------------------------

# One named command: a TAP line for it. Ends the part when it fails.
step() {
    local name=$1
    shift
    echo "# $*"
    if "$@" 2>&1; then echo "ok - $name"; else echo "not ok - $name" && return 1; fi
}

named_tests_exist() {
    local name wrong=0
    # shellcheck disable=SC2016
    while read -r name; do
        [ -e "$name" ] || { echo "docs name $name, which is not there" && wrong=1; }
    done < <(grep -ohE '`(tests|sql|specs|web/tests)/[A-Za-z0-9_./-]+`' docs/*.md | tr -d '`' | sort -u)
    return "$wrong"
}

hardened() { # FOLDER FILE SOURCES OBJECTS: the file, and the object of each source
    local source objects=()
    while read -r source; do objects+=("$4/${source%.c}.o"); done < <(cd "$3" && find . -name '*.c')
    scripts/check-hardening.sh "$1/$2" "${objects[@]}"
}

install_and_uninstall() { # into a folder: everything arrives, and everything goes
    local root=$top/build/install
    rm -rf "$root"
    make --no-print-directory -s install DESTDIR="$root" || return 1
    [ -x "$root/usr/local/bin/unichat-bridge" ] && [ -e "$root/usr/local/share/unichat/web/player/index.html" ] || return 1
    [ -n "$(find "$root" -name unichat.so)" ] && [ -n "$(find "$root" -name unichat.control)" ] || return 1
    make --no-print-directory -s uninstall DESTDIR="$root" || return 1
    [ -z "$(find "$root" -type f -not -path '*/bitcode/*')" ] || return 1
    local elsewhere=(DESTDIR="$root" PREFIX=/opt/chat SYSCONFDIR=/opt/etc)
    make --no-print-directory -s install "${elsewhere[@]}" || return 1
    grep -q '^ExecStart=/opt/chat/bin/unichat-bridge --config /opt/etc/unichat/' "$root/opt/chat/lib/systemd/system/unichat-bridge.service" || return 1
    grep -q 'web_root = /opt/chat/share/unichat/web' <<<"$("$root/opt/chat/bin/unichat-bridge" --help)" || return 1
    make --no-print-directory -s uninstall "${elsewhere[@]}" && make --no-print-directory -s all || return 1
    [ -z "$(find "$root" -type f -not -path '*/bitcode/*')" ]
}

sanitized_bridge() {
    make --no-print-directory -s -j"$jobs" -C bridge SAN=1 all
    export UNICHAT_BRIDGE=$top/build/san/unichat-bridge
    export ASAN_OPTIONS=abort_on_error=0:exitcode=99 UBSAN_OPTIONS=print_stacktrace=1
}

node_tests() { # FOLDER
    local files
    mapfile -t files < <(git ls-files "$1/*.test.js" "$1/*.test.mjs")
    scripts/npm-ci.sh tests
    [ ${#files[@]} -gt 0 ] || { echo "no tests in $1" && return 1; }
    node --test --test-reporter=tap --test-concurrency="$jobs" "${files[@]}"
}

valgrind_bridge() {
    rm -f "$logs"/valgrind-bridge*
    scripts/npm-ci.sh tests
    UNICHAT_BRIDGE=scripts/valgrind-bridge.sh node --test --test-reporter=dot \
        tests/e2e/events.test.js tests/e2e/http_send.test.js tests/e2e/shutdown_and_reload.test.js || return 1
    cat "$logs"/valgrind-bridge.* >"$logs"/valgrind-bridge || return 1 # none: the bridge has not run
    if [ -s "$logs"/valgrind-bridge ]; then cat "$logs"/valgrind-bridge && return 1; fi
}

fuzz_one() { # NAME
    local folders=("build/fuzz/corpus/$1")
    mkdir -p "${folders[0]}"
    [ ! -d "tests/fuzz/seeds/$1" ] || folders+=("tests/fuzz/seeds/$1")
    "build/fuzz/bin/$1" -max_total_time="${FUZZ_SECONDS:-10}" -artifact_prefix="build/fuzz/$1-" -verbosity=0 "${folders[@]}"
}

# Counting. ----------------------------------------------------------------------------------------------------------

# Prints "passed failed skipped" of a log.
count() {
    awk '
        /^# pass [0-9]+$/                     { node_pass += $3; node = 1 }
        /^# (fail|cancelled) [0-9]+$/         { node_fail += $3 }
        /^# skipped [0-9]+$/                  { skip += $3 }
        /^ok( |$)/                            { ok++ }
        /^not ok( |$)/                        { bad++ }
        /^(test|ok|not ok)? *[^ ]+ +\.\.\. ok/     { regress_ok++ }
        /^(test)? *[^ ]+ +\.\.\. FAILED/           { regress_bad++ }
        END {
            if (node) { ok = node_pass; bad = node_fail }
            print ok + regress_ok + 0, bad + regress_bad + 0, skip + 0
        }' "$1"
}

# A process group of its own, so that all of it can be given up: when its time is over, and when we are told to end.
run_in_time() { # NAME
    local status
    set -m # without it, what runs in the background would ignore SIGINT, and so would the tests' children
    timeout -k 30 "$part_timeout" "$top/scripts/check.sh" --only "$1" &
    running=$!
    set +m
    wait "$running"
    status=$?
    running=
    [ "$status" -ne 124 ] || echo "not ok - $1 has not ended within $part_timeout s"
    return "$status"
}

run_part() { # NAME
    local name=$1 log=$logs/$1.log started=$SECONDS status passed failed skipped
    printf '%-13s ' "$name"
    run_in_time "$name" >"$log" 2>&1
    status=$?
    read -r passed failed skipped < <(count "$log")
    if [ "$status" -ne 0 ] && [ "$failed" -eq 0 ]; then failed=1; fi
    if [ $((passed + failed + skipped)) -eq 0 ]; then failed=1 && echo "no test has run" >>"$log"; fi
    printf '%6d passed %4d failed %4d skipped %5d s\n' "$passed" "$failed" "$skipped" $((SECONDS - started))
    if [ "$failed" -gt 0 ]; then show_failure "$log"; fi
    total_passed=$((total_passed + passed)) total_failed=$((total_failed + failed)) total_skipped=$((total_skipped + skipped))
}

show_failure() { # LOG: each failed test with what follows it, and the end
    grep -nE -A 25 '^ *not ok|\.\.\. FAILED|ERROR: (Address|Leak)Sanitizer|runtime error' "$1" | head -n 150 | sed 's/^/    | /'
    echo "    | ... the end of $1:"
    tail -n 40 "$1" | sed 's/^/    | /'
}

main() {
    local part parts=("$@")
    if [ "${1:-}" = --only ]; then # for run_part: a process of its own, which can be given up
        set -e
        "part_$2"
        return
    fi
    [ $# -gt 0 ] || parts=("${ALL[@]}")
    for part in "${parts[@]}"; do
        declare -F "part_$part" >/dev/null || { echo "check.sh: no part \"$part\"; there are: ${ALL[*]}" >&2 && exit 2; }
    done
    mkdir -p "$logs"
    total_passed=0 total_failed=0 total_skipped=0
    trap 'kill ${running:-} 2>/dev/null; exit 130' INT TERM
    make --no-print-directory -s -j"$jobs" all >"$logs/make.log" 2>&1 || tail -n 40 "$logs/make.log"
    for part in "${parts[@]}"; do
        run_part "$part"
    done
    echo
    printf '%d passed, %d failed' "$total_passed" "$total_failed"
    [ "$total_skipped" -eq 0 ] || printf ', %d skipped' "$total_skipped"
    echo
    [ "$total_failed" -eq 0 ] && [ "$total_passed" -gt 0 ]
}

main "$@"
