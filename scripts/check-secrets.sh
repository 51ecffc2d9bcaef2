#!/bin/bash
# usage: check-secrets.sh    What an attacker must not know is compared in constant time: text_equal_secret() in the bridge,
# timingsafe_bcmp() in the extension. strcmp, memcmp and their kin on something that is called a secret, signature, password, MAC,
# or digest is an error, and so is a file that has compared in constant time and does so no more.
# tests/static/secrets.c has what must be found (`found`) and what must not.
set -euo pipefail
cd "$(dirname "$0")/.."
# What compares something that was sent with a secret.
constant=(bridge/protocol/pusher_sign.c bridge/protocol/pusher_request.c bridge/api/session_api.c extension/access.c)

# A statement may be of several lines; what is in quotes is no name.
comparisons() { # FILE…
    awk '
        FNR == 1 { statement = ""; start = 0 }
        {
            line = $0
            gsub(/"([^"\\]|\\.)*"/, "\"\"", line)
            if (statement == "" && line ~ /^[ \t]*$/) next
            if (statement == "") start = FNR
            statement = statement " " line
            if (line ~ /[;{}][ \t]*(\/[\/*].*)?$/) {
                if (tolower(statement) ~ /(^|[^a-z_])(strn?cmp|strn?casecmp|memcmp|bcmp|pg_strcasecmp|strstr)[ \t]*\(([^();]|\([^()]*\))*(secret|signature|password|passwd|digest|hmac|(^|[^a-z])mac([^a-z]|$))/) print FILENAME ":" start
                statement = ""
            }
        }' "$@"
}

mapfile -t files < <(git ls-files 'bridge/*.[ch]' 'extension/*.[ch]')
wrong=0
planted=tests/static/secrets.c
if ! diff <(comparisons $planted) <(grep -n '/\* found' $planted | sed "s#^\([0-9]*\):.*#$planted:\1#") >&2; then
    echo "check-secrets.sh: < is found in $planted, > is planted there" >&2
    wrong=1
fi
while read -r place; do
    echo "$place: compares a secret in a time that tells something of it" >&2
    wrong=1
done < <(comparisons "${files[@]}")
for file in "${constant[@]}"; do
    grep -qE '(text_equal_secret|timingsafe_bcmp)\(' "$file" || { echo "$file: has no comparison in constant time any more" >&2 && wrong=1; }
done
exit $wrong
