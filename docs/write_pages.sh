#!/bin/sh
# write_pages.sh ROOT DESCRIBE -- writes the pages of docs/ that repeat what the code says.
set -eu
root=$1 describe=$2
"$describe" "$root/docs" "$root/strategies"
drawn=$(mktemp)
trap 'rm -f "$drawn"' EXIT
{
    sed '/<!-- scripts\/rooms -->/q' "$root/docs/architecture.md"
    echo '```'
    "$root/scripts/rooms"
    echo '```'
    sed -n '/<!-- end -->/,$p' "$root/docs/architecture.md"
} >"$drawn"
cat "$drawn" >"$root/docs/architecture.md"
