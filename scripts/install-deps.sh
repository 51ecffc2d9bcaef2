#!/bin/bash
# usage: install-deps.sh [build|demo|test]    Installs what Debian 12 must have to build unichat (build), to try it (demo:
# PostgreSQL and Node.js besides), or to test it (test: everything). Does nothing, quickly, when everything is there.
#
# It needs root or sudo only if a package is missing, and says what it installs before it does. UNICHAT_NO_INSTALL=1: it
# installs nothing and names the command instead.
set -euo pipefail
set_name=${1:-build}
pg=${PG_MAJOR:-15}

build=(gcc libc6-dev make pkg-config libuv1-dev libwebsockets-dev libwebsockets-evlib-uv libpq-dev libjansson-dev
    libcurl4-openssl-dev libssl-dev libjose-dev libinih-dev uthash-dev "postgresql-server-dev-$pg")
demo=("postgresql-$pg" util-linux coreutils)
test=(clang clang-format clang-tidy cppcheck valgrind libclang-rt-14-dev llvm libcmocka-dev shellcheck procps iproute2 openssl git systemd
    libevent-2.1-7 libc-ares2) # the last two for scripts/pgbouncer.sh

wanted=("${build[@]}")
[ "$set_name" = build ] || wanted+=("${demo[@]}")
[ "$set_name" != test ] || wanted+=("${test[@]}")

installed() { dpkg-query -W -f '${db:Status-Abbrev}' "$1" 2>/dev/null | grep -q '^ii'; }
missing=()
for package in "${wanted[@]}"; do
    installed "$package" || missing+=("$package")
done

# Node.js may come from elsewhere than Debian, and then has no package of that name; the browser likewise.
if [ "$set_name" != build ]; then
    command -v node >/dev/null || missing+=(nodejs)
    command -v npm >/dev/null || missing+=(npm)
fi
if [ "$set_name" = test ] && ! command -v "${CHROMIUM:-chromium}" >/dev/null; then
    missing+=(chromium)
fi
[ ${#missing[@]} -gt 0 ] || exit 0

command=(apt-get install -y --no-install-recommends "${missing[@]}")
if ! command -v apt-get >/dev/null; then
    echo "install-deps.sh: this is not Debian; please install what these packages hold: ${missing[*]}" >&2
    exit 1
fi
as_root=()
if [ "$(id -u)" -ne 0 ]; then
    if ! command -v sudo >/dev/null; then
        echo "install-deps.sh: packages are missing; please run as root: ${command[*]}" >&2
        exit 1
    fi
    as_root=(sudo)
fi
if [ -n "${UNICHAT_NO_INSTALL:-}" ]; then
    echo "install-deps.sh: packages are missing: ${as_root[*]} ${command[*]}" >&2
    exit 1
fi
echo "Installing with apt-get: ${missing[*]}"

# Debian's PostgreSQL would make and start a cluster on port 5432 that nobody here asked for. Where PostgreSQL is new to
# this machine, tell it not to, for this installation only.
no_cluster=
if ! installed postgresql-common; then
    no_cluster=/etc/postgresql-common/createcluster.d/unichat-install.conf
    "${as_root[@]}" mkdir -p "$(dirname "$no_cluster")"
    echo 'create_main_cluster = false' | "${as_root[@]}" tee "$no_cluster" >/dev/null
    trap '"${as_root[@]}" rm -f "$no_cluster"' EXIT
fi
export DEBIAN_FRONTEND=noninteractive
"${as_root[@]}" apt-get update -qq
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive "${command[@]}"
