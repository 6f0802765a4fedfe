#!/bin/sh
# headers.sh ROOT BUILD [NAME...] -- each installed header compiles alone, twice included, as C11 and as
# C++17, by every compiler that is here; brings in no library's header; and is installed.
set -eu
root=$1
build=$2
shift 2
status=0
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

complain() {
    echo "$*"
    status=1
}

warnings='-Wall -Wextra -Wpedantic -Wshadow -Wundef'
[ "${MNEME_WERROR:-false}" = false ] || warnings="$warnings -Werror"
flags="$warnings -fsyntax-only -I$root/src/include -I$build/src/include"
compilers=0
[ $# -gt 0 ] || set -- $(cd "$root/src/include/mneme" && echo *.h) version.h
for name in "$@"; do
    header=$root/src/include/mneme/$name
    [ -f "$header" ] || header=$build/src/include/mneme/$name
    printf '#include <mneme/%s>\n#include <mneme/%s>\nextern int nothing;\n' "$name" "$name" \
        >"$scratch/alone.c"
    cp "$scratch/alone.c" "$scratch/alone.cc"
    for compiler in gcc clang; do
        command -v $compiler >/dev/null || continue
        compilers=$((compilers + 1))
        $compiler -std=c11 -Wstrict-prototypes $flags "$scratch/alone.c" ||
            complain "mneme/$name does not compile alone as C11 ($compiler)"
    done
    for compiler in g++ clang++; do
        command -v $compiler >/dev/null || continue
        $compiler -std=c++17 $flags "$scratch/alone.cc" ||
            complain "mneme/$name does not compile alone as C++17 ($compiler)"
    done
    cc -std=c11 -M -I"$root/src/include" -I"$build/src/include" "$scratch/alone.c" \
        >"$scratch/reached"
    if grep -oE '[^ ]*(dnnl|cblas|lapack|sqlite3|cJSON|archive|zlib)[^ ]*\.h' "$scratch/reached"
    then
        complain "mneme/$name brings in the header of a library that nobody promised to have"
    fi
    [ "$name" = version.h ] || grep -q "'$name'" "$root/src/include/mneme/meson.build" ||
        complain "mneme/$name is not installed; name it in src/include/mneme/meson.build"
    grep -q 'extern "C"' "$header" || ! grep -q MN_API "$header" ||
        complain "mneme/$name declares functions without extern \"C\" for C++"
done
[ "$compilers" -gt 0 ] || complain "neither gcc nor clang is here"
exit $status
