#!/bin/sh
# format.sh ROOT -- sources look as clang-format would write them.
#
# Two kinds of file are laid out by hand, because their columns are for reading: the installed
# headers, tables of functions with what each computes, and lists of X(...) one after the other.
set -eu
cd "$1"
command -v clang-format >/dev/null || {
    echo "clang-format is not here"
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
clang-format --dry-run -Werror "$@"
