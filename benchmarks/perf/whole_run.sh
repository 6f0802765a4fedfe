#!/usr/bin/env bash
# whole_run.sh -- the whole DER++ run on Split Fashion-MNIST, ours and PyTorch's in turn, and what a
# user waits for: start-up and the first line of progress.  Prints medians and their ratio.
#
#   benchmarks/perf/whole_run.sh MNEME [ROUNDS]
#
# PyTorch is Debian's python3-torch, with 1 thread and with all; the better one counts.  Run it on a
# machine that does nothing else.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
mneme=$(realpath "$1")
rounds=${2:-5}
data=${FASHION_MNIST:-/usr/share/datasets/fashion-mnist}
python=/usr/bin/python3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export MNEME_BENCHMARKS=${MNEME_BENCHMARKS:-$here/..}

# Seconds that a command takes, start to end.
seconds() {
    local before after
    before=$(date +%s.%N)
    "$@" >/dev/null 2>&1
    after=$(date +%s.%N)
    echo "$after - $before" | bc -l
}

median() {
    sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}

# Seconds from the start to the first byte of progress on a terminal.
first_line() {
    local before
    before=$(date +%s.%N)
    rm -f "$work/first.mneme"*
    script -qec "$mneme run split-fmnist derpp -o $work/first.mneme" /dev/null 2>/dev/null |
        { head -c 1 >/dev/null; date +%s.%N; cat >/dev/null; } |
        awk -v before="$before" '{ print $1 - before }'
}

for ((i = 0; i < rounds; i++)); do
    seconds "$mneme" --version >>"$work/version"
    first_line >>"$work/first"
    rm -f "$work/run.mneme"*
    seconds "$mneme" run split-fmnist derpp --seed "$i" -q -o "$work/run.mneme" >>"$work/ours"
    for threads in 1 "$(nproc)"; do
        OMP_NUM_THREADS=$threads seconds "$python" "$here/derpp_torch.py" "$data" "$i" \
            >>"$work/torch-$threads"
    done
done

ours=$(median <"$work/ours")
theirs=$(for file in "$work"/torch-*; do median <"$file"; done | sort -g | head -n 1)
printf 'mneme --version              %7.3f s\n' "$(median <"$work/version")"
printf 'first line of progress       %7.3f s\n' "$(median <"$work/first")"
printf 'whole run, mneme             %7.3f s (least %.3f, most %.3f)\n' "$ours" \
    "$(sort -g "$work/ours" | head -n 1)" "$(sort -g "$work/ours" | tail -n 1)"
printf 'whole run, PyTorch           %7.3f s\n' "$theirs"
printf 'ratio                        %7.1f\n' "$(echo "$theirs / $ours" | bc -l)"
