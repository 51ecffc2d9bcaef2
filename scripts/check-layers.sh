#!/bin/bash
# usage: check-layers.sh    A folder of bridge/ may include its own headers and those of the folders before it, nothing else.
# docs/architecture.md has the same order, with what each folder is for.
set -euo pipefail
cd "$(dirname "$0")/.."
layers=(base config protocol identity db hub server delivery api push)

declare -A rank
for i in "${!layers[@]}"; do rank[${layers[i]}]=$i; done

wrong=0
for folder in bridge/*/; do
    layer=$(basename "$folder")
    [ -n "${rank[$layer]:-}" ] || { echo "bridge/$layer has no place in the order: ${layers[*]}" && wrong=1 && continue; }
    while IFS=: read -r file line include; do
        target=${include#*\"}
        target=${target%%/*}
        if [ "${rank[$target]:-99}" -gt "${rank[$layer]}" ]; then
            echo "$file:$line: bridge/$layer must not use bridge/$target"
            wrong=1
        fi
    done < <(grep -noE '#include "[a-z_]+/' "$folder"*.[ch])
done
exit $wrong
