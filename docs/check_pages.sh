#!/bin/sh
# check_pages.sh ROOT DESCRIBE MNEME -- the generated pages say what the code's tables say, benchmarks.md
# names every key that a benchmark may have, links lead somewhere, and no page is left over.
set -eu
root=$1 describe=$2 mneme=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

complain() {
    echo "$*"
    status=1
}

"$describe" "$scratch" "$root/strategies"
mkdir "$scratch/checked-in"
cp -r "$root/docs/strategies" "$root/docs/benchmark-keys.md" "$root/docs/recipes.md" "$scratch/checked-in"
mkdir "$scratch/written"
mv "$scratch/strategies" "$scratch/benchmark-keys.md" "$scratch/recipes.md" "$scratch/written"
diff -r -u "$scratch/checked-in" "$scratch/written" ||
    complain "docs/ is behind the code; run 'ninja -C BUILD pages' and commit what changes"

# The picture of the house, but for its lines, which every change moves.
without_lines() {
    sed 's/[0-9.]*k / /'
}
sed -n '/<!-- scripts\/rooms -->/,/<!-- end -->/p' "$root/docs/architecture.md" | sed '1,2d' |
    sed '/^```$/,$d' | without_lines >"$scratch/rooms"
"$root/scripts/rooms" | without_lines | diff -u "$scratch/rooms" - ||
    complain "docs/architecture.md: the table of rooms is behind the code; run 'ninja -C BUILD pages'"

sed -n '/<!-- docs\/which_strategy.sh -->/,/<!-- end -->/p' "$root/docs/which-strategy.md" |
    grep '^|' >"$scratch/which"
"$root/docs/which_strategy.sh" "$root" "$mneme" | diff -u "$scratch/which" - ||
    complain "docs/which-strategy.md: its table is behind; run 'ninja -C BUILD pages'"

keys=$(
    sed -nE 's/^ +(OWN|TYPED)\([A-Z]+, ([a-z]+),.*/\2/p' "$root/src/experiment/configuration.h"
    sed -n '/beside\[\] = {/,/};/p' "$root/src/experiment/sections.c" | grep -o '"[a-z_]*"' | tr -d '"'
)
[ "$(echo "$keys" | wc -l)" -ge 19 ] ||
    complain "src/experiment: only these keys of a benchmark were found:" $keys
for key in $keys; do
    grep -q "^| \`$key\` |" "$root/docs/benchmarks.md" ||
        complain "docs/benchmarks.md: the key '$key' of a benchmark is not described"
done

# Relative links of these pages.
cd "$root"
for page in CONTRIBUTING.md docs/*.md docs/strategies/*.md; do
    [ -f "$page" ] || continue
    for link in $(grep -o '](\([^)#:]*\)[#)]' "$page" | sed 's/^](//; s/[#)]$//'); do
        [ -z "$link" ] || [ -e "$(dirname "$page")/$link" ] ||
            complain "$page: the link to $link leads nowhere"
    done
done
exit $status
