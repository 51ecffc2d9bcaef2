#!/bin/bash
# usage: run.sh [sdk] [node] [chromium]    The official clients' own suites, unmodified, against build/unichat-bridge.
#
# The npm packages pusher-js and pusher carry the tests that Pusher runs against its own service. They want Pusher's host names on
# ports 80 and 443, so each runs in a network and mount namespace of its own, with a hosts file and a throw-away CA that
# exist only there. Nothing of the suites is changed; what they need around them is in suites/*.json and prepared once, in
# build/suites. Prints `# pass N` and `# fail N` for each suite.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
top=$(cd "$here/../.." && pwd)
dir=${SUITES_DIR:-$top/build/suites}
bridge=${UNICHAT_BRIDGE:-$top/build/unichat-bridge}
hosts=(ws-mt1 ws-eu api-mt1 api-eu sockjs-mt1 sockjs-eu)

prepare_pusher_js() {
    [ -e "$dir/pusher-js/.prepared" ] && return
    rm -rf "$dir/pusher-js" && mkdir -p "$dir/pusher-js"
    (cd "$dir" && npm pack --silent pusher-js@8.6.0 >/dev/null && tar xzf pusher-js-8.6.0.tgz -C pusher-js --strip-components=1)
    cp "$here/pusher-js.package.json" "$dir/pusher-js/package.json"
    (cd "$dir/pusher-js" && npm install --ignore-scripts --legacy-peer-deps --no-audit --no-fund --silent)
    (cd "$dir/pusher-js/integration_tests_server" && npm install --no-audit --no-fund --silent)
    touch "$dir/pusher-js/.prepared"
}

prepare_sdk() {
    [ -e "$dir/pusher/.prepared" ] && return
    rm -rf "$dir/pusher" && mkdir -p "$dir/pusher"
    cp "$here/pusher.package.json" "$dir/pusher/package.json"
    (cd "$dir/pusher" && npm install --no-audit --no-fund --silent)
    touch "$dir/pusher/.prepared"
}

prepare_tls() {
    local names='' h
    [ -e "$dir/tls/srv.pem" ] && return
    mkdir -p "$dir/tls"
    for h in "${hosts[@]}"; do names+="DNS:$h.pusher.com,"; done
    (
        cd "$dir/tls"
        openssl req -x509 -newkey rsa:2048 -nodes -days 3650 -subj "/CN=unichat test CA" -keyout ca.key -out ca.pem
        openssl req -newkey rsa:2048 -nodes -subj "/CN=ws-mt1.pusher.com" -keyout srv.key -out srv.csr
        printf 'subjectAltName=%sDNS:localhost,IP:127.0.0.1\n' "$names" >ext
        openssl x509 -req -in srv.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 3650 -extfile ext -out srv.pem
    ) >/dev/null 2>&1
}

prepare_chromium() { # Chromium as karma starts it: no sandbox in a namespace, and our CA is nobody's
    cat >"$dir/chromium" <<EOF
#!/bin/bash
exec ${CHROMIUM:-/usr/bin/chromium} --no-sandbox --disable-gpu --disable-dev-shm-usage --disable-quic --no-first-run \\
    --disable-background-networking --disable-component-update --disable-sync --ignore-certificate-errors "\$@"
EOF
    chmod +x "$dir/chromium"
}

write_config() { # no database: Pusher's protocol does not need it
    cat >"$dir/bridge.conf" <<EOF
listen_address = *
listen_port = 80
tls_port = 443
tls_cert = $dir/tls/srv.pem
tls_key = $dir/tls/srv.key
database = host=/nonexistent
drain_time = 0
jwt_secret = only-for-these-suites-only-for-these-suites
app_id = 1
app_key = c49a449b916bb4246729
app_secret = secret-of-the-app-mt1
app_client_events = on

[app eu]
id = 2
key = cb7d5e50f5669e5c9ae6
secret = secret-of-the-app-eu1
client_events = on
EOF
}

# Inside the namespace. -----------------------------------------------------------------------------------------------

wait_for_port() {
    local i
    for ((i = 0; i < 300; i++)); do
        (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null && return
        read -rt 0.1 <> <(:) || true
    done
    echo "nothing listens on port $1" >&2 && return 1
}

inside() { # FOLDER COMMAND...
    local folder=$1 port status=0
    shift
    ip link set lo up
    { cat /etc/hosts && printf '127.0.0.1 %s.pusher.com\n' "${hosts[@]}"; } >"$dir/hosts"
    mount --bind "$dir/hosts" /etc/hosts
    "$bridge" --config "$dir/bridge.conf" >"$dir/bridge.log" 2>&1 &
    local bridge_pid=$!
    export INTEGRATION_TESTS_APP_MT1_APP_ID=1 INTEGRATION_TESTS_APP_MT1_KEY=c49a449b916bb4246729
    export INTEGRATION_TESTS_APP_MT1_SECRET=secret-of-the-app-mt1
    export INTEGRATION_TESTS_APP_EU_APP_ID=2 INTEGRATION_TESTS_APP_EU_KEY=cb7d5e50f5669e5c9ae6
    export INTEGRATION_TESTS_APP_EU_SECRET=secret-of-the-app-eu1
    export NODE_EXTRA_CA_CERTS=$dir/tls/ca.pem
    export PUSHER_URL=http://c49a449b916bb4246729:secret-of-the-app-mt1@127.0.0.1:80/apps/1
    (cd "$dir/pusher-js/integration_tests_server" && exec node index.js >"$dir/auth.log" 2>&1) &
    local auth_pid=$!
    for port in 80 443 3000 3001; do wait_for_port "$port"; done
    (cd "$dir/$folder" && timeout 600 "$@") || status=$?
    kill "$bridge_pid" "$auth_pid"
    wait "$bridge_pid" || { echo "the bridge ended with $?" && status=1 && tail -n 40 "$dir/bridge.log"; }
    return "$status"
}

# Outside. ------------------------------------------------------------------------------------------------------------

namespace() { # as root without a user namespace, so that Chromium's own works
    if [ "$(id -u)" = 0 ]; then unshare -n -m "$@"; else unshare -r -n -m "$@"; fi
}

# NAME PATTERN-OF-THE-NUMBERS FOLDER COMMAND...: runs it and says how many specs passed.
suite() {
    local name=$1 wanted=$2 log=$dir/$1.log passed total
    shift 2
    echo "# suite $name"
    namespace "$0" --inside "$@" >"$log" 2>&1 || echo "# $name ended with $?"
    read -r passed total < <(numbers "$log") || true
    echo "# $name: ${passed:-0} of $wanted"
    echo "# pass ${passed:-0}"
    echo "# fail $((wanted - ${passed:-0}))"
    if [ "${passed:-0}" != "$wanted" ] || [ "${total:-0}" != "$wanted" ]; then
        failed=1
        tail -n 60 "$log"
    fi
}

# "passed total" of a log by jasmine ("Executed 84 of 84 specs (2 FAILED)."), karma ("…: 58 tests", "- 58 ok") or mocha
# ("7 passing", "1 failing").
numbers() {
    sed 's/\x1b\[[0-9;]*[A-Za-z]//g' "$1" | tr '\r' '\n' | awk '
        match($0, /Executed [0-9]+ of [0-9]+/) { split(substr($0, RSTART, RLENGTH), w, " "); run = w[2]; total = w[4]; bad = 0
            if (match($0, /\([0-9]+ FAILED/)) bad = substr($0, RSTART + 1) + 0 }
        /^ - .*: [0-9]+ tests$/ { total = $(NF - 1) }
        /^ +- [0-9]+ ok$/ { run = $2 }
        /^ *[0-9]+ passing/ { run = $1; total = $1 }
        /^ *[0-9]+ failing/ { total = run + $1; bad = 0 }
        END { print run - bad, total }'
}

if [ "${1:-}" = --inside ]; then
    shift
    inside "$@"
    exit
fi

if ! namespace sh -c 'ip link set lo up && mount --bind /etc/hosts /etc/hosts' 2>/dev/null; then
    echo "ok - official suites # SKIP this machine allows no private network namespace"
    echo "# skipped 1"
    exit 0
fi
mkdir -p "$dir"
prepare_pusher_js
prepare_sdk
prepare_tls
prepare_chromium
write_config
failed=0
[ $# -gt 0 ] || set -- sdk node chromium
for which; do
    case $which in
    sdk) suite sdk 7 pusher bash -c 'node_modules/.bin/mocha --timeout 4000 node_modules/pusher/tests/remote/pusher/*.js' ;;
    node) suite node 84 pusher-js make node_integration ;;
    # With CI set, pusher-js asks for the browsers of its own build farm.
    chromium) suite chromium 58 pusher-js env -u CI MINIMAL_INTEGRATION_TESTS=true CHROME_BIN="$dir/chromium" make web_integration ;;
    *) echo "no such suite: $which" >&2 && exit 2 ;;
    esac
done
exit "$failed"
