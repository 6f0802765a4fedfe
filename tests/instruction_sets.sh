#!/usr/bin/env bash
# instruction_sets.sh BUILD MNEME -- the suites unit, grad, run and parity under each set of
# instructions that oneDNN knows and this machine has, and under two of OpenBLAS's; a table of what
# passed, was skipped and failed.  Exit code: 1 where a test failed.
#
# It builds what is missing first.  $MNEME_SETS names other settings than all, such as
# ONEDNN_MAX_CPU_ISA=AVX2; what each suite printed lies in BUILD/meson-logs/set-*.txt.
set -euo pipefail
build=$(realpath "$1") mneme=$(realpath "$2")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
suites=(unit grad run parity)
ninja -C "$build" --quiet

# What a run under the settings given says it was made with.
used() {
    rm -f "$folder/run.mneme"
    env "$@" MNEME_BENCHMARKS="$folder" "$mneme" run "$folder/tiny.json" finetune --quiet \
        --out "$folder/run.mneme" >/dev/null
    "$mneme" show "$folder/run.mneme" --json |
        sed -nE 's/.*"(libraries|onednn_instruction_set)":[[:space:]]*"([^"]*)".*/ \2 /p'
}
cat >"$folder/tiny.json" <<END
{"name": "tiny", "dataset": {"name": "synthetic"}, "stream": {"tasks": 2}, "train": {"steps": 1}}
END

settings=()
if [ -n "${MNEME_SETS:-}" ]; then
    read -ra settings <<<"$MNEME_SETS"
else
    for set in SSE41 AVX AVX2 AVX2_VNNI AVX2_VNNI_2 AVX512_CORE AVX512_CORE_VNNI AVX512_CORE_BF16 \
        AVX512_CORE_AMX AVX10_1_512 AVX10_1_512_AMX; do
        [[ $(used "ONEDNN_MAX_CPU_ISA=$set") != *" ${set,,} "* ]] ||
            settings+=("ONEDNN_MAX_CPU_ISA=$set")
    done
    for core in Nehalem Haswell; do
        [[ $(used "OPENBLAS_CORETYPE=$core") != *" $core "* ]] ||
            settings+=("OPENBLAS_CORETYPE=$core")
    done
fi

# The number that meson printed after a word.
count() {
    sed -nE "s/^$1: *([0-9]+).*/\1/p" "$2" | tail -n 1
}

if [ ${#settings[@]} -eq 0 ]; then
    echo "instruction_sets: neither oneDNN nor OpenBLAS names a set that it can be held to here" >&2
    exit 77
fi

# Emulated convolutions take their time: Check and meson both wait ten times as long.
export CK_TIMEOUT_MULTIPLIER=10

failed=0
line='%-36s %-20s %-20s %-20s %-20s\n'
# shellcheck disable=SC2059
printf "$line" setting "${suites[@]}"
for setting in "${settings[@]}"; do
    cells=()
    for suite in "${suites[@]}"; do
        log=$build/meson-logs/set-${setting#*=}-$suite.txt
        env "$setting" meson test -C "$build" --no-rebuild --suite "$suite" --no-suite avx2 \
            --timeout-multiplier 10 --logbase "set-${setting#*=}" --print-errorlogs >"$log" 2>&1 || true
        passed=$(count Ok "$log") skipped=$(count Skipped "$log")
        wrong=$(($(count Fail "$log") + $(count Timeout "$log")))
        cell="${passed:-0} passed"
        [ "${skipped:-0}" -eq 0 ] || cell+=", $skipped skipped"
        if [ "$wrong" -gt 0 ] || [ "${passed:-0}" -eq 0 ]; then
            cell+=", $wrong FAILED"
            failed=1
        fi
        cells+=("$cell")
    done
    # shellcheck disable=SC2059
    printf "$line" "$setting" "${cells[@]}"
done
exit $failed
