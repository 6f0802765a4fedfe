#!/usr/bin/env bash
# scarce.sh MNEME REFUSE SOURCE MOST CASE... -- refuses memory to whole commands of the
# program, one piece in each try, by the module REFUSE (refuse.c).
#
# A command that is refused a piece ends as it ends with all the memory there is, in the same
# results to the bit; or it ends with exit code 1 or 2 and one line that says that memory ran out.
# A run that ended so goes on from its file to the results of the undisturbed run.
#
# Pieces that are asked for on one way through the program are one sort.  The first and the last
# piece of a sort are refused, each alone; of the sorts of each library, at most MOST, spread evenly.
# MOST 0 tries every sort.
#
# Then memory ends: from some piece on, nothing may bring more out than was out before it.  One piece
# of each sort that brings more out than ever before is so refused, MOST of each library again.
#
# Three libraries end the process where a piece is refused to them alone: libgomp, libarchive (or what
# it unpacks by), and oneDNN where it prepares its products of matrices.  mneme asks for what they take before it calls
# them, so that where memory ends, mneme is refused it first.  A piece of theirs that ended the process
# is tried again in that way.
# shellcheck disable=SC2034 # commands are found by the names of their cases
set -euo pipefail
export LC_ALL=C OMP_NUM_THREADS=1
[ $# -ge 5 ] || exit 2
mneme=$1 refuse=$2 most=$4
export MNEME_BENCHMARKS=$3/benchmarks
corpus=$3/tests/fuzz/corpus
cases=("${@:5}")
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
file=$scratch/run.mneme
trap 'echo "scarce.sh: line $LINENO failed" >&2; cat "$scratch/err" >&2' ERR
failures=0

# with REFUSAL COMMAND...: the command with that refused (refuse.c has what there is); its exit code is
# in $code.
with() {
    code=0
    { # the shell's own word on a signal
        env "$1" MN_REFUSE_LOG="$scratch/log" LD_PRELOAD="$refuse" "${@:2}" >"$scratch/out" \
            2>"$scratch/err" </dev/null || code=$?
    } 2>"$scratch/shell"
}

# What a run file holds at its end, but for times.
digest() {
    sqlite3 -batch -bail -noheader -readonly "$1" "SELECT key, value FROM run
            WHERE key IN ('status', 'config', 'seed', 'benchmark', 'strategy');
        SELECT owner, name, type, classes, options FROM network ORDER BY 1, 2;
        SELECT name, hex(data) FROM tensor ORDER BY name;
        SELECT name, quote(value) FROM kept ORDER BY name;
        SELECT slot, label, task, seen, labelled, source, hex(image) FROM exemplar ORDER BY slot;
        SELECT slot, name, hex(data) FROM exemplar_column ORDER BY slot, name;
        SELECT scope, after_task, on_task, step, correct, total FROM evaluation ORDER BY 1, 2, 3, 4;
        SELECT after_task, on_task, rows, width, hex(logits) FROM output ORDER BY 1, 2;" | cksum
}

# What is printed, but for times, which may stand on two lines.
printed() {
    sed -Ez 's/started[[:space:]]+[^ ,]+(,[[:space:]]+took[[:space:]]+[^[:space:]]+[[:space:]]+[a-z]+)?//g' \
        "$scratch/out"
}

small=(--set dataset.train_per_class=20 --set dataset.test_per_class=10 --buffer-size 20)
run_command=("$mneme" run split-synthetic derpp "${small[@]}" -q --commit-steps 5 -o "$file")
resume_command=("$mneme" resume "$file" -q)
show_command=("$mneme" show "$file")
json_command=("$mneme" show "$file" --json)
buffer_command=("$mneme" buffer "$file")
export_command=("$mneme" export "$file" --format csv)

csv_command=("$mneme" data check "$scratch/csv.json")
npy_command=("$mneme" data check "$scratch/npy.json")
folder_command=("$mneme" data check "$scratch/folder.json")
idx_command=("$mneme" data check mnist)

# bytes N...: that many bytes, labels 0 to 3 in turn.
bytes() {
    local i
    for ((i = 0; i < $1; i++)); do printf '%b' "\\x0$((i % 4))"; done
}

# array SHAPE COUNT: an array of bytes as NumPy writes it.
array() {
    printf '\x93NUMPY\x01\x00\x76\x00'
    printf '%-117s\n' "{'descr': '|u1', 'fortran_order': False, 'shape': $1, }"
    bytes "$2"
}

benchmark() {
    printf '{"name": "%s", "dataset": %s,
        "stream": {"scenario": "class-incremental", "tasks": 2},
        "network": {"name": "mlp", "widths": "10"},
        "train": {"epochs": 1, "batch": 4, "lr": 0.1, "buffer_size": 8}}' "$1" "$2" \
        >"$scratch/$1.json"
}

# A small data set for each reader.
make_data() {
    local class i
    export MNEME_DATA=$scratch/data
    mkdir -p "$MNEME_DATA/mnist" "$scratch/arrays"
    for class in ant bee cat dog; do
        mkdir -p "$scratch/animals/$class"
        cp "$corpus"/picture/{rgb,palette}.png "$corpus"/picture/{rgb,grey}.jpg \
            "$scratch/animals/$class"
    done
    benchmark folder '{"name": "folder", "path": "'"$scratch"'/animals", "size": 8}'
    for ((i = 0; i < 40; i++)); do echo "$((i % 7)),$((i % 5)),$((i % 3)),$((i % 9)),$((i % 4))"; done \
        >"$scratch/table.csv"
    benchmark csv '{"name": "csv", "path": "'"$scratch"'/table.csv", "height": 2, "width": 2}'
    array '(16, 3, 3)' 144 >"$scratch/arrays/x_train.npy"
    array '(16,)' 16 >"$scratch/arrays/y_train.npy"
    array '(8, 3, 3)' 72 >"$scratch/arrays/x_test.npy"
    array '(8,)' 8 >"$scratch/arrays/y_test.npy"
    benchmark npy '{"name": "npy", "path": "'"$scratch"'/arrays"}'
    for part in train t10k; do
        { printf '\0\0\x08\x03\0\0\0\x04\0\0\0\x04\0\0\0\x04' && bytes 64; } |
            gzip >"$MNEME_DATA/mnist/$part-images-idx3-ubyte.gz"
    done
    cp "$corpus/idx/labels.xz" "$MNEME_DATA/mnist/train-labels-idx1-ubyte"
    cp "$corpus/idx/labels.bz2" "$MNEME_DATA/mnist/t10k-labels-idx1-ubyte"
}

begin() {
    rm -rf "$file" "$file"-*
    case $1 in
    run) ;;
    resume) cp "$scratch/unfinished" "$file" ;;
    *) cp "$scratch/finished" "$file" ;;
    esac
}

fail() {
    failures=$((failures + 1))
    wrong=$((wrong + 1))
    echo "$name: $refusal, in $object: $*"
    sed 's/^/    /' "$scratch/err" | head -n 5
    grep refused "$scratch/log" | sed 's/^/    /' || true
}

# A library that ends the process where a piece is refused to it alone has done so.
ended_by_library() {
    case $object in libgomp* | libarchive* | liblzma* | libbz2* | libdnnl*) ;; *) return 1 ;; esac
    [ $code -ge 128 ] || grep -q '^libgomp: Out of memory\|^Fatal Internal Error in libarchive' "$scratch/err"
}

# try REFUSAL: the command of the case with that refused to $object.
try() {
    refusal=$1
    begin "$name"
    with "$refusal" "${command[@]}"
    tried=$((tried + 1))
    if [ "$refusal" != "MN_REFUSE_ABOVE=$((out_with - 1))" ] && ended_by_library; then
        alone=$((alone + 1))
        try "MN_REFUSE_ABOVE=$((out_with - 1))"
    elif ! grep -q '^refused' "$scratch/log"; then
        fail "the command did not ask for it"
    elif [ $code -ge 128 ]; then
        fail "ended by signal $((code - 128))"
    elif [ $code = 0 ]; then
        if [ "$(printed)" != "$expected" ]; then
            fail "other results are printed"
            diff <(echo "$expected") <(printed) | head -n 6 | sed 's/^/    /' || true
        elif $makes_run && [ "$(digest "$file")" != "$undisturbed" ]; then
            fail "the run became another in silence"
        else
            went_on=$((went_on + 1))
        fi
    elif [ "$(grep -c . "$scratch/err")" != 1 ] || ! grep -q '^mneme: .*memory' "$scratch/err"; then
        fail "exit code $code without one line that says why"
    elif $makes_run && ! goes_on; then
        fail "its file does not go on to the undisturbed results"
        sed 's/^/    /' "$scratch/err_after"
    else
        refused=$((refused + 1))
    fi
}

# A file that was not begun is not there.
goes_on() {
    [ -e "$file" ] || return 0
    "$mneme" resume "$file" -q >"$scratch/out" 2>"$scratch/err_after" && [ "$(digest "$file")" = "$undisturbed" ]
}

# Of the lines "PIECE OBJECT OUT" at most $most of an object, spread evenly.
spread() {
    sort -n | awk -v most="$most" '
        { object[NR] = $2; line[NR] = $0; count[$2]++ }
        END { for (i = 1; i <= NR; i++) { o = object[i]; k = seen[o]++
                if (most == 0 || count[o] <= most ||
                    int(k * most / count[o]) != int((k - 1) * most / count[o]) || k == 0)
                    print line[i] } }'
}

# The first and the last piece of each sort.
sorts() {
    awk '$1 == "piece" { key = $3 " " $4; if (!(key in first)) first[key] = $2; last[key] = $2
                         line[$2] = $2 " " $3 " " $5 }
        END { for (key in first) {
                print line[first[key]]
                if (last[key] != first[key]) print line[last[key]] } }' "$scratch/pieces" | spread
}

# Of each sort the first piece that brings more out than ever before.
mosts() {
    awk '$6 == "most" && !(($3 " " $4) in found) { found[$3 " " $4]; print $2, $3, $5 }' \
        "$scratch/pieces" | spread
}

make_data
"${run_command[@]}" >"$scratch/out"
cp "$file" "$scratch/finished"
undisturbed=$(digest "$file")

# A run that ended between two commits of a task, for want of memory.
begin run
with MN_REFUSE_WHO=1 "${run_command[@]}"
cp "$scratch/log" "$scratch/pieces"
for part in 3 4 5 6 7 8 9; do
    begin run
    with "MN_REFUSE=$(awk -v part=$part '$1 == "piece" && $3 ~ /^libmneme/ { n[++k] = $2 }
        END { print n[int(k * part / 10)] }' "$scratch/pieces")" "${run_command[@]}"
    if [ $code != 1 ] || [ ! -e "$file" ]; then
        continue
    fi
    step=$(sqlite3 -readonly "$file" 'SELECT step FROM cursor WHERE phase_step > 0')
    [ -n "$step" ] && cp "$file" "$scratch/unfinished"
done
[ -e "$scratch/unfinished" ]

for name in "${cases[@]}"; do
    declare -n command=${name}_command
    makes_run=false
    case $name in run | resume) makes_run=true ;; esac
    begin "$name"
    with MN_REFUSE_WHO=1 "${command[@]}"
    [ $code = 0 ]
    expected=$(printed)
    cp "$scratch/log" "$scratch/pieces"
    tried=0 refused=0 went_on=0 alone=0 wrong=0
    while read -r piece object out_with; do
        try "MN_REFUSE=$piece"
    done < <(sorts)
    while read -r piece object out_with; do
        try "MN_REFUSE_ABOVE=$((out_with - 1))"
    done < <(mosts)
    echo "$name: $(awk '$1 == "asked" { print $2 }' "$scratch/pieces") pieces asked for," \
        "$tried refusals: $refused ended in one line, $went_on went on with the same results," \
        "$alone ended in a library and were tried again, $wrong neither"
    unset -n command
done
exit $((failures > 0))
