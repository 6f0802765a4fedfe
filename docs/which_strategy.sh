#!/bin/sh
# which_strategy.sh ROOT MNEME -- the table of docs/which-strategy.md: what each strategy needs, as the
# program says; what it costs, from the table of docs/performance.md; and what it gets, from the
# classics of docs/results.md, Split MNIST.  Nothing is measured.
set -eu
root=$1 mneme=$2
needs=$(mktemp)
trap 'rm -f "$needs"' EXIT
"$mneme" list strategies --needs --format csv >"$needs"
LC_ALL=C awk -v needs="$needs" '
function trimmed(text) {
    gsub(/^[ `]+|[ `]+$/, "", text)
    return text
}
# The needs of a strategy, its columns in words.
function in_words(line,    cell, n, i, words) {
    n = split(line, cell, ",")
    for (i = 2; i < n; i++)
        if (cell[i] == "yes")
            words = words (words != "" ? ", " : "") called[i]
    if (line ~ /on features"$/)
        words = words (words != "" ? ", " : "") "good features"
    return (words != "" ? words : "nothing") (cell[n] ~ /^another/ ? " (add-on)" : "")
}
# | `er` | 0.8 | 80 | 383 | 0 |
FILENAME ~ /performance.md$/ {
    if (/^## /)
        costs = /^## What each strategy costs/
    if (costs && /^\| `/) {
        split($0, cell, "|")
        spent[trimmed(cell[2])] = trimmed(cell[3]) " | " trimmed(cell[4]) " | " (cell[5] + cell[6])
        costed++
    }
}
# split-mnist   er   class-il   average_accuracy   86.73 ± 1.69 ...
FILENAME ~ /results.md$/ {
    if (/^## /)
        classics = /^## The classics/
    if (classics && $1 == "split-mnist" && $4 == "average_accuracy" && $5 != "-" && !(($2, $3) in got)) {
        got[$2, $3] = $5 " " $6 " " $7
        scored++
    }
}
END {
    if (costed < 20 || scored < 20) {
        print "which_strategy: the tables of costs and of the classics were not found" >"/dev/stderr"
        exit 1
    }
    print "| strategy | needs | seconds | peak, MiB | kept, KiB | class-il | task-il |"
    print "|---|---|---|---|---|---|---|"
    while ((getline line <needs) > 0) {
        name = line
        sub(/,.*/, "", name)
        if (name == "strategy") {
            split(line, called, ",")
            for (i in called)
                if (called[i] == "unlabelled")
                    called[i] = "few labels"
                else if (called[i] == "task borders")
                    called[i] = "borders"
            continue
        }
        print "| `" name "` | " in_words(line) " | " \
            (name in spent ? spent[name] : " |  | ") " | " got[name, "class-il"] " | " \
            got[name, "task-il"] " |"
    }
}' "$root/docs/performance.md" "$root/docs/results.md"
