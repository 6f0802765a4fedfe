#!/bin/sh
# leaks.sh MNEME STRATEGY... -- whole runs of the program, good and bad, end with the exit code that
# they should.  Built with -Db_sanitize=address, what a process leaves allocated changes its code.  A
# STRATEGY is a built-in one's file, or a plugin.
set -eu
mneme=$1
shift
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

# expect CODE ARGUMENT... -- runs mneme with the arguments.
expect() {
    expected=$1
    shift
    code=0
    "$mneme" "$@" >"$scratch/out" 2>&1 || code=$?
    [ "$code" = "$expected" ] && ! grep -q LeakSanitizer "$scratch/out" && return
    echo "mneme $*: exit code $code, expected $expected"
    cat "$scratch/out"
    status=1
}

# Few steps: a leak shows in the first.
few='--set dataset.train_per_class=20 --set dataset.test_per_class=10 --buffer-size 20 --eval-every 5'
for file in "$@"; do
    case $file in
    *.so) strategy=$file ;;
    *) strategy=$(echo "$file" | tr _ -) ;; # er_ace.c brings er-ace
    esac
    run="$scratch/$(basename "$file" .so)"
    benchmark=split-synthetic
    case $strategy in
    genifer | zipf) benchmark=maps-synthetic ;; # they look at a network's maps
    pad) benchmark=attention-synthetic ;;
    esac
    expect 0 run $benchmark "$strategy" $few -q -o "$run.mneme"
    expect 0 resume "$run.mneme" -q
    expect 0 run $benchmark "$strategy" $few --rebuild --commit-steps 3 -q \
        -o "$run-rebuilt.mneme"
done
expect 2 run split-synthetic er -q -o "$scratch/er.mneme"
expect 2 run split-synthetic er --buffer-size 0 -q -o "$scratch/none.mneme"
expect 2 run split-synthetic no-such-strategy -q -o "$scratch/none.mneme"
expect 2 run split-synthetic er --set er.replay=-1 -q -o "$scratch/none.mneme"
expect 1 run split-synthetic derpp --lr 1000 --set derpp.alpha=1000 -q -o "$scratch/infinite.mneme"
expect 1 resume "$scratch/infinite.mneme" -q
expect 1 resume "$scratch/none.mneme" -q
exit $status
