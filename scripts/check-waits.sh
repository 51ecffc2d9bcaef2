#!/bin/bash
# usage: check-waits.sh    Refuses new pauses in tests. A test waits for what it needs, by until() or wait_until, and never for a
# while: that is too short on a slow machine and too long on any other. Listed here are the lines with a pause that each file
# may have, and what they are for.
set -euo pipefail
cd "$(dirname "$0")/.."

permitted() {
    cat <<'END'
3 tests/lib/wait.js                       until() and within() themselves
4 tests/extension/delivery.sh             between two looks at a condition
1 tests/lib/follower.js                   a client before it tries again
3 tests/faults/lib/clients.js             a client before it tries again
4 tests/faults/lib/writers.js             a writer's pace, a transaction held open, one prepared, before connecting again
3 tests/faults/lib/injector.js            faults at random moments
1 tests/push/faults.test.js               faults at random moments
1 tests/faults/chaos.js                   how long a run is
1 tests/faults/lib/split.js                between the two halves of a server's answer
1 tests/lib/onesignal-server.js           a slow provider
3 tests/security/hostile.test.js          how long a socket may be silent: before its first word, after it, in a TLS handshake
2 tests/security/limits_fairness.test.js  the pace of a flood, of a trickle
2 tests/security/limits_sockets.test.js   the pace of a trickle, of a slow reader
END
}

pauses='\b(sleep|pg_sleep|usleep|nanosleep|setTimeout|waitForTimeout) *\(|(^|[^[:alnum:]_])sleep +[0-9$]|timers/promises'
found() { git grep -cE "$pauses" -- tests specs sql web/tests ':!*.md'; }

if ! diff <(permitted | awk '{ print $2 ":" $1 }' | sort) <(found | sort); then
    echo "Lines with a pause, other than scripts/check-waits.sh permits (<): wait for a condition, or change the list." >&2
    exit 1
fi
