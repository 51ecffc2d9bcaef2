#!/bin/bash
# usage: pg-root.sh DIR    Makes DIR a private PostgreSQL installation that the extension can be installed into.
#
# PostgreSQL finds its share and lib folders relative to its own executable, so a copy of bin/ at the same relative
# path, with links to everything else, is an installation of its own: `make check` and `make demo` put unichat.so there
# and leave the system's PostgreSQL alone. Prints the path of its pg_config replacement.
set -euo pipefail
dir=$1
pg_config=${PG_CONFIG:-pg_config}
where() { "$pg_config" "--$1"; }
bindir=$(where bindir) sharedir=$(where sharedir) libdir=$(where pkglibdir) includedir=$(where pkgincludedir)

# The common parent (for example /usr) becomes DIR.
common=$(printf '%s\n%s\n' "$bindir" "$sharedir" | sed -e 'N;s/^\(.*\/\).*\n\1.*$/\1/')
to() { printf '%s/%s' "$dir" "${1#"$common"}"; }

# Folders that `make install` writes to are real and hold links; everything else is a link.
link_into() {
    mkdir -p "$(to "$1")"
    for path in "$1"/*; do
        if [ ! -d "$(to "$path")" ] || [ -L "$(to "$path")" ]; then
            ln -sfn "$path" "$(to "$1")/"
        fi
    done
}

if [ ! -e "$dir/complete" ] || [ "$bindir/postgres" -nt "$(to "$bindir")/postgres" ]; then
    mkdir -p "$(to "$bindir")" "$(to "$sharedir")/extension" "$(to "$libdir")/bitcode"
    cp -a --remove-destination "$bindir/." "$(to "$bindir")/"
    link_into "$sharedir"
    link_into "$sharedir/extension"
    link_into "$libdir"
    mkdir -p "$(dirname "$(to "$includedir")")"
    ln -sfn "$includedir" "$(to "$includedir")"
    touch "$dir/complete"
fi
echo "$(to "$bindir")/pg_config"
