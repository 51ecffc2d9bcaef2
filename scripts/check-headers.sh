#!/bin/bash
# usage: check-headers.sh    Every file of bridge/ begins with a comment that names it and says what it is for: a header with the
# module's contract, a source file with its design, or with "NAME.c - see NAME.h." where the header has that.
set -euo pipefail
cd "$(dirname "$0")/.."

wrong=0
for file in bridge/*.[ch] bridge/*/*.[ch]; do
    name=$(basename "$file")
    start=$(head -n 2 "$file")
    if [[ $start != "/*"*" $name - "* ]]; then
        echo "$file: does not begin with a comment \"$name - what it is for\""
        wrong=1
    elif [[ $start == *" - see "* ]]; then
        see=${start#*" - see "}
        see=${see%%[!a-z_.]*}
        see=${see%.}
        if [[ ! -e $(dirname "$file")/$see ]]; then
            echo "$file: there is no $see"
            wrong=1
        fi
    fi
done
exit $wrong
