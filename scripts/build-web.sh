#!/bin/bash
# Lay out the portals as the bridge serves them:  build-web.sh [FOLDER, default build/web]
#
#   home/ player/ staff/ shared/   our own files, as they are: there is no bundler and no transpiler
#   vendor/                        the few files that the pages load from the npm packages of web/package-lock.json
#
# A strict Content-Security-Policy rules out import maps, so the one bare module name in vendor/ (hooks.mjs imports
# "preact") is made a relative path; that no other is left is checked.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
out=${1:-$top/build/web}
modules=$top/web/node_modules

"$top/scripts/npm-ci.sh" "$top/web"

mkdir -p "$(dirname "$out")"
new=$(mktemp -d "$out.XXXXXX")
trap 'rm -rf "$new"' EXIT
mkdir "$new/vendor"
cp -R "$top/web/home" "$top/web/player" "$top/web/staff" "$top/web/shared" "$new/"
cp "$modules/preact/dist/preact.mjs" "$new/vendor/preact.js"
sed 's|from"preact"|from"./preact.js"|' "$modules/preact/hooks/dist/hooks.mjs" > "$new/vendor/hooks.js"
cp "$modules/htm/dist/htm.module.js" "$new/vendor/htm.js"
cp "$modules/pusher-js/dist/web/pusher.min.js" "$new/vendor/pusher.js"
sed -i '/^\/\/# sourceMappingURL=/d' "$new"/vendor/*.js
for package in preact htm pusher-js; do
    cp "$modules/$package"/LICEN[CS]E "$new/vendor/$package.LICENSE.txt"
done
if grep -nE 'from ?"[^./]' "$new"/vendor/*.js | cut -c1-200; then
    echo "build-web.sh: a bare module name is left in vendor/; the browser could not load it" >&2
    exit 1
fi
find "$new" -type d -exec chmod 755 {} + -o -type f -exec chmod 644 {} +

# The bridge may be serving the folder: it is swapped, never half there.
rm -rf "$out.old"
if [ -e "$out" ]; then mv "$out" "$out.old"; fi
mv "$new" "$out"
rm -rf "$out.old"
trap - EXIT
