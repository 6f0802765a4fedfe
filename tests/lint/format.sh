#!/bin/sh
# format.sh ROOT -- sources look as clang-format 14 (Debian 12's) would write them.  Versions differ
# in places, for instance in casts and macros, so no other one may judge them: skipped (77) without 14.
#
# Two kinds of file are laid out by hand, because their columns are for reading: the installed
# headers, tables of functions with what each computes, and lists of X(...) one after the other.
set -eu
cd "$1"
version=14
program=
for name in clang-format-$version clang-format; do
    if command -v $name >/dev/null && $name --version | grep -q "version $version\."; then
        program=$name
        break
    fi
done
[ -n "$program" ] || {
    found=$(clang-format --version 2>/dev/null | sed 's/.*clang-format version/clang-format/') || :
    echo "skipped: found ${found:-no clang-format}, expected version $version, which the layout" \
        "of the sources follows; install clang-format-$version to check it"
    exit 77
}
if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    files=$(git ls-files -- '*.c' '*.h')
else
    files=$(find . -name '*.[ch]' ! -path './build*' | sed 's|^\./||')
fi
set --
for file in $files; do
    case $file in
    src/include/mneme/*.h | src/autograd/ops.h) ;;
    *) [ ! -f "$file" ] || set -- "$@" "$file" ;;
    esac
done
[ $# -gt 0 ] || {
    echo "no sources found; is the root right?"
    exit 1
}
$program --dry-run -Werror "$@"
