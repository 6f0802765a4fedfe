#!/bin/sh
# check_examples.sh DOCS PROGRAM MY_IDEA CALM -- the tutorial's sources are the files in examples/,
# byte for byte; as plugins they beat finetune on drawn figures, and are rebuilt exactly from the
# run file.
set -eu
docs=$1 program=$2 my_idea=$3 calm=$4
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
status=0

complain() {
    echo "$*"
    status=1
}

# The code block that follows the mark of file $1.
block_of() {
    awk -v mark="<!-- file: $1 -->" '
        $0 == mark { marked = 1; next }
        marked && /^```/ { if (inside) exit; inside = 1; next }
        inside { print }' "$docs/writing-a-strategy.md"
}

for source in "$docs"/examples/*.c; do
    name=examples/$(basename "$source")
    block_of "$name" >"$scratch/block"
    cmp -s "$scratch/block" "$source" ||
        complain "docs/writing-a-strategy.md: the block of $name is not that file; make them equal"
done

run() {
    file=$1
    strategy=$2
    shift 2
    "$program" run split-synthetic "$strategy" --quiet --out "$scratch/$file.mneme" "$@" >/dev/null
}

# Class-IL average accuracy, without its decimals.
accuracy() {
    "$program" show "$scratch/$1.mneme" |
        awk '$1 == "average_accuracy" { printf "%d\n", $2; exit }'
}

# Results are compared as the program exports them, and byte for byte where sqlite3 is here.
state() {
    "$program" export "$scratch/$1.mneme" --format csv
    ! command -v sqlite3 >/dev/null ||
        sqlite3 "$scratch/$1.mneme" \
            '.dump tensor kept exemplar exemplar_column output evaluation'
}

run finetune finetune
run plain "$my_idea"
run rebuilt "$my_idea" --rebuild --commit-steps 7
run calm "er+$calm"
run calm_rebuilt "er+$calm" --rebuild --commit-steps 7

state plain >"$scratch/plain"
state rebuilt >"$scratch/rebuilt"
state calm >"$scratch/calm"
state calm_rebuilt >"$scratch/calm_rebuilt"
[ -s "$scratch/plain" ] && cmp "$scratch/plain" "$scratch/rebuilt" ||
    complain "my_idea: rebuilt at every commit it gives other bytes"
[ -s "$scratch/calm" ] && cmp "$scratch/calm" "$scratch/calm_rebuilt" ||
    complain "er+calm: rebuilt at every commit it gives other bytes"
[ "$(accuracy plain)" -ge "$(($(accuracy finetune) + 30))" ] ||
    complain "my_idea: $(accuracy plain) per cent, but finetune has $(accuracy finetune)"
exit $status
