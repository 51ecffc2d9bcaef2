#!/bin/bash
# usage: check-unit.sh BRIDGE    Does systemd understand the unit, and how much does it leave open? systemd does not have to run;
# whether the bridge can live with it is another question, which only an installed one answers.
set -euo pipefail
cd "$(dirname "$0")/.."
unit=packaging/unichat-bridge.service
most=11 # tenths: 1.1 of 10. What is left is the network, sockets of PostgreSQL on this machine, and no root folder of its own

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
sed "s|/usr/local/bin/unichat-bridge|$(realpath "$1")|" "$unit" >"$dir/unichat-bridge.service"
complaints=$(systemd-analyze verify --man=no "$dir/unichat-bridge.service" 2>&1) || { echo "$complaints" && exit 1; }
[ -z "$complaints" ] || { echo "$complaints" && exit 1; }
systemd-analyze security --no-pager --offline=true --threshold="$most" "$unit" | grep -v '^✓' && [ "${PIPESTATUS[0]}" -eq 0 ]
