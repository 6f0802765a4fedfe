#!/bin/sh
# exports.sh ROOT LIBRARY -- the shared library shows the functions and tables that the installed headers
# mark MN_API, and nothing else.
set -eu
root=$1
library=$2
export LC_ALL=C
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# A declaration may go over several lines; a plugin defines mn_plugin_query, not the library.
cat "$root"/src/include/mneme/*.h "$root"/src/include/mneme/*.h.in | tr '\n' ' ' |
    grep -oE 'MN_API [^;(]*mn_[a-z0-9_]+[[(]' | grep -oE 'mn_[a-z0-9_]+[[(]$' | tr -d '[(' |
    grep -vx mn_plugin_query | sort -u >"$scratch/declared"
nm -D --defined-only "$library" | awk '{ print $3 }' | sort -u >"$scratch/shown"
[ -s "$scratch/declared" ] && [ -s "$scratch/shown" ] ||
    { echo "no functions found; are the paths right?"; exit 1; }

comm -13 "$scratch/declared" "$scratch/shown" |
    sed 's/$/: the library shows it, and no header marks it MN_API; see src\/exports.map/' >"$scratch/wrong"
comm -23 "$scratch/declared" "$scratch/shown" |
    sed 's/$/: a header marks it MN_API, and the library does not show it/' >>"$scratch/wrong"
cat "$scratch/wrong"
[ ! -s "$scratch/wrong" ]
