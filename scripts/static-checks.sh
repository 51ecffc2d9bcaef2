#!/bin/bash
# usage: static-checks.sh    clang-tidy (.clang-tidy says which checks, and why others are left out) over bridge/ and
# extension/, and cppcheck over bridge/. Exit code 1 if either finds anything.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
jobs=${JOBS:-$(nproc)}
bridge=(-Ibridge -D_GNU_SOURCE '-DUNICHAT_VERSION="0"' '-DUNICHAT_PREFIX="/usr/local"')
read -ra libraries < <(pkg-config --cflags libuv libwebsockets libpq jansson libcurl openssl libjwt)
extension=(-Iextension "-I$(pg_config --includedir-server)" -D_GNU_SOURCE)
wrong=0

tidy() { # FLAGS… : the files are on standard input, a NUL behind each
    local flags=()
    for flag in "$@"; do flags+=("--extra-arg=$flag"); done
    xargs -0 -P "$jobs" -I FILE clang-tidy --quiet --extra-arg=-std=gnu11 "${flags[@]}" FILE -- 2>/dev/null || wrong=1
}
printf '%s\0' bridge/*.c bridge/*/*.c | tidy "${bridge[@]}" "${libraries[@]}"
printf '%s\0' extension/*.c | tidy "${extension[@]}"

mkdir -p build/cppcheck
# strtok: there are no threads. uninitvar: designated initializers, which it takes for none in 2.10.
cppcheck -j "$jobs" -q --error-exitcode=1 --enable=warning,performance,portability --std=c11 --library=posix --inline-suppr \
    --suppress=strtokCalled --suppress=uninitvar --include=scripts/cppcheck.h --cppcheck-build-dir=build/cppcheck \
    "${bridge[@]}" bridge || wrong=1
exit "$wrong"
