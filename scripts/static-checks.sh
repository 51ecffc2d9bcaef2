#!/bin/bash
# usage: static-checks.sh    clang-tidy (.clang-tidy says which checks, and why others are left out), cppcheck and gcc
# -fanalyzer over bridge/ and extension/. Exit code 1 if any of them finds anything.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-$(nproc)}
bridge=(-Ibridge -D_GNU_SOURCE '-DUNICHAT_VERSION="0"' '-DUNICHAT_PREFIX="/usr/local"')
read -ra libraries < <(pkg-config --cflags libuv libwebsockets libpq jansson libcurl openssl jose)
extension=(-Iextension "-I$(pg_config --includedir-server)" -D_GNU_SOURCE)
wrong=0

tidy() { # FLAGS… : the files are on standard input, a NUL behind each
    local flags=()
    for flag in "$@"; do flags+=("--extra-arg=$flag"); done
    xargs -0 -P "$jobs" -I FILE clang-tidy --quiet --extra-arg=-std=gnu11 "${flags[@]}" FILE -- 2>/dev/null
}
printf '%s\0' bridge/*.c bridge/*/*.c | tidy "${bridge[@]}" "${libraries[@]}" || wrong=1
printf '%s\0' extension/*.c | tidy "${extension[@]}" || wrong=1

mkdir -p build/cppcheck
# strtok: there are no threads. uninitvar: designated initializers, which it takes for none in 2.10.
check() {
    cppcheck -j "$jobs" -q --error-exitcode=1 --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr \
        --suppress=strtokCalled --suppress=uninitvar "$@" || wrong=1
}
check --include=scripts/cppcheck.h --cppcheck-build-dir=build/cppcheck "${bridge[@]}" bridge
check -Iextension extension # the server's headers are too much for it

# gcc 12 takes the tables of uthash for leaked, as it loses them behind its macros; ASan looks for leaks in every test.
# A file that has no answer in two minutes is an error.
analyze() { # FLAGS… : the files are on standard input, a NUL behind each
    # shellcheck disable=SC2016
    xargs -0 -P "$jobs" -n 1 bash -c 'timeout 120 "${@:1:$#-1}" "${!#}" && exit
        [ $? -ne 124 ] || echo "${!#}: error: gcc -fanalyzer has no answer in 120 s" >&2
        exit 1' analyze gcc -std=gnu11 -O1 -fanalyzer -Werror -Wno-analyzer-malloc-leak -S -o /dev/null "$@"
}
printf '%s\0' bridge/*.c bridge/*/*.c | analyze "${bridge[@]}" "${libraries[@]}" || wrong=1
printf '%s\0' extension/*.c | analyze "${extension[@]}" || wrong=1
exit "$wrong"
