#!/bin/bash
# usage: check-dialect.sh    Of two ways to write the same, the C of the bridge, its tests and the benches has one:
#     if (p), if (!p)         not  p != NULL, p == NULL; but a bool is made by  return p != NULL;  and  ok = p != NULL;
#     sizeof(x)               not  sizeof x
#     "base/hash_table.h"     not  <uthash.h>, whose own hash has no secret
# (The extension follows PostgreSQL's style instead.)
set -euo pipefail
cd "$(dirname "$0")/.."

found() { git grep -nE "$1" -- 'bridge/*.[ch]' 'tests/unit/*.[ch]' 'tests/fuzz/*.[ch]' 'bench/*.[ch]' | grep -vE ':[0-9]+: *(\*|/\*|//)'; }

wrong=0
if found '== NULL|!= NULL' | grep -vE '(return|=) [^&|?=]*!= NULL;$'; then wrong=1; fi
if found 'sizeof [^(]'; then wrong=1; fi
if found 'include <uthash.h>' | grep -v '^b[a-z]*/\(base/hash_table.h\|rawcast.c\):'; then wrong=1; fi
[ "$wrong" -eq 0 ] || echo "See the head of scripts/check-dialect.sh." >&2
exit "$wrong"
