#!/bin/sh
# write_pages.sh ROOT DESCRIBE MNEME -- writes the pages of docs/ that repeat what the code says.
set -eu
root=$1 describe=$2 mneme=$3
"$describe" "$root/docs" "$root/strategies"
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT
# Puts what a command prints between the two marks of a page, of which the first names a script.
between() {
    page=$root/docs/$1 mark="<!-- $2 -->"
    shift 2
    {
        awk -v mark="$mark" '{ print } $0 == mark { exit }' "$page"
        "$@"
        awk -v mark="$mark" '$0 == mark { inside = 1 } inside && $0 == "<!-- end -->" { behind = 1 }
            behind' "$page"
    } >"$drawn"
    cat "$drawn" >"$page"
}
rooms() {
    echo '```'
    "$root/scripts/rooms"
    echo '```'
}
between architecture.md scripts/rooms rooms
between which-strategy.md docs/which_strategy.sh "$root/docs/which_strategy.sh" "$root" "$mneme"
