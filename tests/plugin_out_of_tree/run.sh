#!/bin/sh
# run.sh ROOT BUILD PROGRAM -- installs BUILD into a folder of its own, builds the plugins of this
# folder and copies of the built-in strategies and networks against what was installed, and runs PROGRAM on them.
set -eu
root=$1
build=$2
program=$3
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

DESTDIR=$scratch/root meson install -C "$build" --no-rebuild --quiet >"$scratch/log" 2>&1 ||
    { cat "$scratch/log"; exit 1; }
config=$(find "$scratch/root" -name mneme.pc)
prefix=$(find "$scratch/root" -path '*/bin/mneme')
prefix=${prefix%/bin/mneme}

mkdir "$scratch/source"
cp "$root"/tests/plugin_out_of_tree/*.c "$root"/tests/plugin_out_of_tree/*.cc \
    "$root"/tests/plugin_out_of_tree/meson.build "$scratch/source"
cp -R "$root"/strategies "$root"/networks "$scratch/source"
export PKG_CONFIG_PATH=${config%/*} PKG_CONFIG_SYSROOT_DIR=$scratch/root
{ meson setup "-Dwerror=${MNEME_WERROR:-false}" "$scratch/plugins" "$scratch/source" &&
    ninja -C "$scratch/plugins"; } >"$scratch/log" 2>&1 || { cat "$scratch/log"; exit 1; }

export LD_LIBRARY_PATH="$(dirname "${config%/*}")${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
export MNEME_BENCHMARKS="$prefix/share/mneme/benchmarks"
export MNEME_PROGRAM="$prefix/bin/mneme" MNEME_PLUGINS="$scratch/plugins"
"$program"
if [ ! -e "$scratch/plugins/cplusplus.so" ]; then
    echo 'no C++ compiler: all else passed, but the strategy in C++ was not tried' >&2
    exit 77
fi
