#!/bin/bash
# usage: pg-root.sh DIR    Makes DIR a private PostgreSQL installation that the extension can be installed into.
#
# PostgreSQL finds its share and lib folders relative to its own executable, so a copy of bin/ at the same relative
# path, with links to everything else, is an installation of its own: `make check` and `make demo` put unichat.so there
# and leave the system's PostgreSQL alone. Prints the path of its pg_config replacement.
set -euo pipefail
dir=$1
pg_config=${PG_CONFIG:-pg_config}
bindir=$($pg_config --bindir) sharedir=$($pg_config --sharedir) libdir=$($pg_config --pkglibdir)

# The common parent (for example /usr) becomes DIR.
common=$(printf '%s\n%s\n' "$bindir" "$sharedir" | sed -e 'N;s/^\(.*\/\).*\n\1.*$/\1/')
to() { printf '%s/%s' "$dir" "${1#"$common"}"; }

if [ ! -x "$(to "$bindir")/postgres" ] || [ "$bindir/postgres" -nt "$(to "$bindir")/postgres" ]; then
    mkdir -p "$(to "$bindir")" "$(to "$sharedir")/extension" "$(to "$libdir")"
    cp -a "$bindir/." "$(to "$bindir")/"
    for path in "$sharedir"/*; do
        [ "$(basename "$path")" = extension ] || ln -sfn "$path" "$(to "$sharedir")/"
    done
    ln -sf "$sharedir"/extension/* "$(to "$sharedir")/extension/"
    ln -sfn "$libdir"/* "$(to "$libdir")/"
fi
echo "$(to "$bindir")/pg_config"
