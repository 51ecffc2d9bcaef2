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
    # Besides what stops it, it says on standard error how much it has left out.
    xargs -0 -P "$jobs" -I FILE clang-tidy --quiet --extra-arg=-std=gnu11 "${flags[@]}" FILE -- \
        2> >(grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? (generated|treated as errors?)' >&2)
}
# shellcheck disable=SC2317
tidy_one() { printf '%s\0' "${!#}" | tidy "${@:1:$#-1}"; } # FLAGS… FILE
printf '%s\0' bridge/*.c bridge/*/*.c | tidy "${bridge[@]}" "${libraries[@]}" || wrong=1
printf '%s\0' extension/*.c | tidy "${extension[@]}" || wrong=1

mkdir -p build/cppcheck
# strtok: there are no threads. uninitvar: designated initializers, which it takes for none in 2.10. memleak, in the extension:
# what is not freed goes with its memory context.
check=(cppcheck -q --error-exitcode=1 "--enable=warning,performance,portability" --std=c11 --library=posix --inline-suppr
    --suppress=strtokCalled --suppress=uninitvar)
check_extension=("${check[@]}" --library=scripts/cppcheck-postgres.cfg --suppress=memleak -Iextension)
"${check[@]}" -j "$jobs" --include=scripts/cppcheck.h --cppcheck-build-dir=build/cppcheck "${bridge[@]}" bridge || wrong=1
"${check_extension[@]}" -j "$jobs" extension || wrong=1

# A file that has no answer in two minutes is an error.
analyzer=(gcc -std=gnu11 -O1 -fanalyzer -Werror -S -o /dev/null)
analyze() { # FLAGS… : the files are on standard input, a NUL behind each
    # shellcheck disable=SC2016
    xargs -0 -P "$jobs" -n 1 bash -c 'timeout 120 "${@:1:$#-1}" "${!#}" && exit
        [ $? -ne 124 ] || echo "${!#}: error: gcc -fanalyzer has no answer in 120 s" >&2
        exit 1' analyze "${analyzer[@]}" "$@"
}
model=(-include scripts/analyzer-uthash.h)
printf '%s\0' bridge/*.c bridge/*/*.c | analyze "${model[@]}" "${bridge[@]}" "${libraries[@]}" || wrong=1
printf '%s\0' extension/*.c | analyze "${extension[@]}" || wrong=1

# What is planted in tests/static is found, and nothing else: a line says `found:` and what.
finds() { # FILE COMMAND…
    local file=$1 wanted found
    shift
    wanted=$(grep -o 'found: [A-Za-z0-9_-]*' "$file" | cut -d ' ' -f 2 | sort)
    found=$("$@" "$file" 2>&1 | sed -nE 's#^.*:[0-9]+:.*(error|warning): .*\[(-Werror=)?([A-Za-z0-9_-]+)(,-warnings-as-errors)?\]$#\3#p' | sort)
    [ "$wanted" = "$found" ] || { printf '%s: planted:\n%s\nfound:\n%s\n' "$file" "$wanted" "$found" && return 1; }
}
finds tests/static/tidy.c tidy_one "${bridge[@]}" || wrong=1
finds tests/static/leak.c "${analyzer[@]}" "${model[@]}" || wrong=1
finds tests/static/extension.c "${check_extension[@]}" || wrong=1
exit "$wrong"
