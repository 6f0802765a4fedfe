#!/usr/bin/env bash
# hunt.sh SOURCE BUILD TARGET... -- looks for inputs on which the readers fail: each fuzz target with
# libFuzzer and the sanitizers, $MNEME_FUZZ_SECONDS (600) long, from its corpus on.  What it finds lies
# in BUILD/TARGET/.  Exit code: 1 where something was found, 77 where there is no clang.
set -euo pipefail
source=$(realpath "$1") build=$2 seconds=${MNEME_FUZZ_SECONDS:-600}
shift 2
command -v clang >/dev/null || { echo 'clang is not here' && exit 77; }
if [ ! -f "$build/build.ninja" ]; then
    CC=${MNEME_FUZZ_CC:-clang} meson setup "$build" "$source" -Dbuildtype=debugoptimized \
        -Db_sanitize=address,undefined -Db_lundef=false -Dc_args=-fsanitize=fuzzer-no-link \
        -Dtests=enabled >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }
fi
found=0
for target in "$@"; do
    ninja -C "$build" "tests/fuzz/fuzz_${target}_live" >"$build.log" 2>&1 || { cat "$build.log" && exit 1; }
    mkdir -p "$build/$target/corpus"
    # What one input may take: 2 GB, and a minute, which on a busy machine is a few seconds.
    if ! (cd "$build/$target" && UBSAN_OPTIONS=halt_on_error=1 "../tests/fuzz/fuzz_${target}_live" \
        -max_total_time="$seconds" -timeout=60 -rss_limit_mb=2048 -max_len=65536 -print_final_stats=1 \
        corpus "$source/tests/fuzz/corpus/$target" >log 2>&1); then
        found=1
        echo "$target: FOUND: $(find "$build/$target" -maxdepth 1 -name '*-*' -type f)"
        tail -n 25 "$build/$target/log"
    else
        echo "$target: $(sed -n 's/^stat::number_of_executed_units: */inputs: /p' "$build/$target/log")," \
            "nothing found in $seconds s"
    fi
done
exit $found
