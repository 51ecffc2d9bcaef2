#!/bin/bash
# usage: UNICHAT_BRIDGE=scripts/valgrind-bridge.sh node --test …    The bridge under valgrind. What it finds is written to
# build/check/valgrind-bridge.PID, a file that is empty otherwise.
top=$(cd "$(dirname "$0")/.." && pwd)
exec valgrind -q --leak-check=full --show-leak-kinds=definite --log-file="$top/build/check/valgrind-bridge.%p" \
    "$top/build/unichat-bridge" "$@"
