#!/bin/bash
# usage: npm-ci.sh FOLDER    Installs the npm packages that FOLDER/package-lock.json pins, unless they are there already.
set -euo pipefail
cd "$1"
stamp=node_modules/.unichat-lock
if [ -e "$stamp" ] && cmp -s package-lock.json "$stamp"; then
    exit 0
fi
npm ci --ignore-scripts --no-audit --no-fund --loglevel=error
cp package-lock.json "$stamp"
