#!/bin/bash
# usage: check-hardening.sh FILE OBJECT…    Is FILE, a program or a shared library, hardened, and each OBJECT that it is made of?
# usage: check-hardening.sh --self-test     Is a small program refused for each of the flags that it is built without?
#
# What the linker did is read from FILE. What the compiler did leaves no trace there but for calls of functions of its own, so the
# objects are asked: for the property of protected jumps, and for the flags that their debug information was told of (gcc
# does that by itself, clang with -grecord-command-line). Prints what is missing; exit code 1 if anything is.
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
x86=$([ "$(uname -m)" = x86_64 ] && echo yes)

needs() { # FILE WHAT PATTERN: a line of standard input has it
    grep -Eq -- "$3" || { echo "$1: no $2" && return 1; }
}
lacks() { # FILE WHAT PATTERN
    if grep -Eq -- "$3"; then echo "$1: $2" && return 1; fi
}

linked() { # FILE
    local elf wrong=0
    elf=$(readelf -W -h -l -d --dyn-syms "$1") || return 1
    needs "$1" "position-independent code" 'Type: +DYN' <<<"$elf" || wrong=1
    needs "$1" "read-only relocations" GNU_RELRO <<<"$elf" || wrong=1
    needs "$1" "immediate binding" 'FLAGS.*NOW' <<<"$elf" || wrong=1
    needs "$1" "stack that is not executable" 'GNU_STACK.* RW ' <<<"$elf" || wrong=1
    needs "$1" "stack protector" 'UND __stack_chk_fail' <<<"$elf" || wrong=1
    needs "$1" "checked calls of the C library" 'UND __[a-z_]+_chk@' <<<"$elf" || wrong=1
    # a program's functions are its own by themselves
    grep -Eq 'FLAGS_1.* PIE' <<<"$elf" || needs "$1" "binding of its functions to itself" 'FLAGS.*SYMBOLIC|\(SYMBOLIC\)' <<<"$elf" || wrong=1
    lacks "$1" "memory that is writable and executable" 'LOAD.* RWE ' <<<"$elf" || wrong=1
    lacks "$1" "relocations in its code" TEXTREL <<<"$elf" || wrong=1
    lacks "$1" "a search path of its own for libraries" 'R(UN)?PATH' <<<"$elf" || wrong=1
    return "$wrong"
}

compiled() { # OBJECT
    local flags wrong=0
    flags=$(readelf --debug-dump=info --dwarf-depth=1 "$1" 2>/dev/null | grep DW_AT_producer)
    needs "$1" "stack protector for all that have arrays" -fstack-protector-strong <<<"$flags" || wrong=1
    needs "$1" "probes of large stack frames" -fstack-clash-protection <<<"$flags" || wrong=1
    [ -z "$x86" ] || needs "$1" "protected jumps" 'IBT, SHSTK' <<<"$(readelf -n "$1")" || wrong=1
    return "$wrong"
}

# What hardens, and how to be without where it is the default of the compiler or the linker.
hardening=(-fPIE=-fno-pie -pie=-no-pie -fstack-protector-strong=-fno-stack-protector -fstack-clash-protection=
    -D_FORTIFY_SOURCE=2= "-Wl,-z,relro=-Wl,-z,norelro" "-Wl,-z,now=-Wl,-z,lazy" "-Wl,-z,noexecstack=-Wl,-z,execstack")
[ -z "$x86" ] || hardening+=(-fcf-protection=-fcf-protection=none)
hardened_library=(-fstack-protector-strong -D_FORTIFY_SOURCE=2 "-Wl,-z,relro,-z,now,-z,noexecstack")

flags_without() { # FLAG: all the others, and its opposite
    local pair
    for pair in "${hardening[@]}"; do
        case $pair in
            "$1"=*) echo "${pair#"$1"=}" ;;
            -D*) echo "${pair%=}" ;;
            *) echo "${pair%%=*}" ;;
        esac
    done | if [ "$1" = -fPIE ]; then sed 's/^-pie$/-no-pie/'; else grep .; fi
}

build() { # DIR CC FLAG…
    local dir=$1 cc=$2
    shift 2
    [ "$cc" = gcc ] || set -- "$@" -grecord-command-line -Wno-unused-command-line-argument
    "$cc" -O2 -g "$@" -c -o "$dir/t.o" "$dir/t.c" && "$cc" "$@" -o "$dir/t" "$dir/t.o"
}

self_test() {
    local dir cc pair flag flags wrong=0
    dir=$(mktemp -d) || return 1
    # shellcheck disable=SC2064 # the folder of now
    trap "rm -rf '$dir'" EXIT
    printf '%s\n' '#include <stdio.h>' '#include <string.h>' 'int main(int n, char **v) { char b[99]; strcpy(b, v[n - 1]); return puts(b); }' >"$dir/t.c"
    for cc in gcc clang; do
        for pair in none= "${hardening[@]}"; do
            flag=${pair%%=*}
            [ "${pair#-D}" = "$pair" ] || flag=${pair%=}
            mapfile -t flags < <(flags_without "$flag" | grep .)
            build "$dir" "$cc" "${flags[@]}" || { echo "$cc: cannot build without $flag" && wrong=1 && continue; }
            if linked "$dir/t" >"$dir/log" && compiled "$dir/t.o" >>"$dir/log"; then
                [ "$flag" = none ] || { echo "$cc: a program without $flag is accepted" && wrong=1; }
            elif [ "$flag" = none ]; then
                echo "$cc: a hardened program is refused" && cat "$dir/log" && wrong=1
            fi
        done
    done
    library "$dir" -Wl,-Bsymbolic || { echo "a hardened library is refused" && cat "$dir/log" && wrong=1; }
    if library "$dir"; then echo "a library without -Bsymbolic is accepted" && wrong=1; fi
    return "$wrong"
}

library() { # DIR FLAG…
    gcc -O2 -g -fPIC -shared "${hardened_library[@]}" "${@:2}" -o "$1/t.so" "$1/t.c" && linked "$1/t.so" >"$1/log"
}

if [ "$1" = --self-test ]; then
    self_test
    exit
fi
wrong=0
linked "$1" || wrong=1
shift
[ $# -gt 0 ] || { echo "check-hardening.sh: of which objects?" >&2 && exit 2; }
for object in "$@"; do compiled "$object" || wrong=1; done
exit "$wrong"
