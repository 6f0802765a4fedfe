#!/bin/sh
# resnet.sh BUILD [BATCH [THREADS [WORK]]] -- a step of ResNet-18, 64 and 20 channels wide, beside
# PyTorch in both of its layouts: one after the other, three times over, on one machine.  WORK is
# train, rehearse (the three forwards of DER++) or evaluate.
# With PREFIX='chrt -f 20' (as root) other processes do not disturb.
set -eu
build=$1 batch=${2:-32} threads=${3:-2} work=${4:-train}
here=$(dirname "$0")
echo "load average $(cut -d ' ' -f 1-3 /proc/loadavg), $threads threads"
for network in resnet18-reduced resnet18; do
    for round in 1 2 3; do
        for precision in f32 bf16; do # bf16 where the processor has it
            ${PREFIX:-} "$build/benchmarks/perf/bench_resnet" "$network" "$batch" "$threads" 12 "$work" "$precision" || true
        done
        for layout in default channels-last; do
            ${PREFIX:-} "${PYTHON:-/usr/bin/python3}" "$here/resnet_torch.py" "$network" "$batch" "$threads" 8 "$work" "$layout"
        done
    done
done
