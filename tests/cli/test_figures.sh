#!/usr/bin/env bash
# test_figures.sh PROGRAM ROOT LIBRARY-FOLDER -- curves in the terminal and in files: what they show,
# in which size, and the numbers written beside them.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

for strategy in er finetune joint; do
    run 0 run split-synthetic $strategy --seeds 2 --out study --quiet
done

# --- the terminal ---------------------------------------------------------------------------------
widest() {
    wc -L <out
}
run 0 plot study
says '⠒'
says '100 ┤'
says 'a er (n = 2)'
says 'finetune (n = 2): class-il accuracy on each task'
does_not_say $'\033'
checks=$((checks + 1))
[ "$(widest)" -le 80 ] || fail "a line of the plot has $(widest) characters"
# Without colours a letter stands at the end of each line; finetuning's is the lowest.
checks=$((checks + 1))
[ "$(sed '/└/q' out | grep -n 'b$' | cut -d: -f1)" -gt "$(sed '/└/q' out | grep -n 'a$' | cut -d: -f1)" ] ||
    fail 'finetuning does not end below replay'
run 0 plot study --ylim 50,100
says ' 50 ┤'
refused 2 'is no list of names' plot study --labels 'a,"b,c'
run 0 plot study --labels 'ER,lower bound,upper bound'
says 'b lower bound (n = 2)'
does_not_say 'finetune'
# Of a terminal with colours, lines have them; NO_COLOR takes them away.
in_terminal() {
    checks=$((checks + 1))
    env "$@" TERM=xterm-256color script -qec "'$program' plot study" /dev/null </dev/null >out 2>err ||
        fail "in a terminal: mneme plot failed"
}
if command -v script >/dev/null; then
    in_terminal COLUMNS=80
    says $'\033[38;5;'
    in_terminal NO_COLOR=1
    does_not_say $'\033[38;5;'
fi
# A hundred tasks fit.
cat >many.json <<'END'
{"name": "many", "dataset": {"name": "synthetic", "classes": 100, "train_per_class": 2, "test_per_class": 1, "size": 8},
 "stream": {"tasks": 100}, "network": {"name": "mlp", "widths": "4"}, "train": {"batch": 2, "steps": 1}}
END
run 0 run ./many.json finetune --quiet -o many.mneme
run 0 plot many.mneme
says '100 tasks learned'
checks=$((checks + 1))
[ "$(widest)" -le 80 ] || fail "a line of 100 tasks has $(widest) characters"

# --- files ----------------------------------------------------------------------------------------
refused 2 "--width is a figure's" plot study --width 84
refused 2 'has 2 names, but 3 groups' plot study --labels a,b -o curves.svg
refused 2 'is not two numbers' plot study --ylim 5 -o curves.svg
is_not_there curves.svg.csv
if ! command -v gnuplot >/dev/null; then
    LC_ALL=C refused 1 'apt-get install gnuplot-nox' plot study
    echo "$checks checks, $failures failures; no figures without gnuplot"
    [ "$failures" -eq 0 ]
    exit
fi
LC_ALL=C run 0 plot study
does_not_say '⠒'
says 'tasks learned'

# Millimetres of an SVG, whose 96 units are an inch.
millimetres() {
    sed -nE "s/.*viewBox=\"0 0 ([0-9]+) .*/\1/p" "$1" | awk '{ printf "%.0f", $1 * 25.4 / 96 }'
}
for width in 84 174; do
    run 0 plot study --width $width -o w$width.svg
    checks=$((checks + 2))
    [ "$(millimetres w$width.svg)" -eq $width ] || fail "w$width.svg has $(millimetres w$width.svg) mm"
    # 8 points are 10.67 of these units.
    [ "$(grep -o 'font-size="[0-9.]*"' w$width.svg | sort -u)" = 'font-size="10.70"' ] ||
        fail "w$width.svg has other type than of 8 points"
done
# The same width in a PDF, in points.
run 0 plot study --width 84 -o w84.pdf
checks=$((checks + 1))
grep -aqE '/MediaBox *\[ *0 0 23[89]' w84.pdf || fail 'w84.pdf is not 84 mm wide'
run 0 plot study -o titled.svg
run 0 plot study -o bare.svg --no-title --labels 'a<b>&,"x; y, z",{y}_z^2'
titles() {
    grep -c 'split-synthetic' "$1"
}
checks=$((checks + 4))
[ "$(titles titled.svg)" -gt 0 ] || fail 'a figure has no title'
[ "$(titles bare.svg)" -eq 0 ] || fail 'a figure without a title has one'
# Names are neither markup of SVG nor of gnuplot.
for name in '>a&lt;b>&#x26; (n = 2)<' '>x; y, z (n = 2)<' '>{y}_z^2 (n = 2)<'; do
    grep -qF "$name" bare.svg || fail "bare.svg does not say '$name'"
done
# A legend of twelve has all names, inside the figure.
names=$(seq -s, -f 'arm %g with a name' 12)
mkdir twelve
for i in $(seq 12); do
    run 0 run split-synthetic er --set er.replay="$i" --steps 5 --quiet -o "twelve/$i.mneme"
done
run 0 plot twelve --labels "$names" --width 84 -o twelve.svg
for i in $(seq 12); do
    checks=$((checks + 1))
    grep -qF "arm $i with a name" twelve.svg || fail "twelve.svg has no legend for arm $i"
done
# Twelve groups differ by colour and dash together.
checks=$((checks + 1))
[ "$(grep -oE "stroke='[^']*'|stroke-dasharray='[^']*'" twelve.svg | sort -u | wc -l)" -gt 8 ] ||
    fail 'twelve lines look alike'

# --- the numbers beside a figure ------------------------------------------------------------------
head -n 1 titled.svg.csv >out
says 'benchmark,group,runs,task,tasks learned,mean,deviation'
# Means and deviations of the last average of two seeds, from the evaluations.
run 0 export study --format csv
cp out evaluations.csv
checks=$((checks + 1))
sqlite3 :memory: '.import --csv evaluations.csv evaluations' '.import --csv titled.svg.csv drawn' \
    "WITH averages AS (SELECT strategy, seed, avg(accuracy) AS value FROM evaluations
        WHERE scope = 'class-il' AND after_task = '2' GROUP BY strategy, seed),
    means AS (SELECT strategy, avg(value) AS mean,
        (max(value) - min(value)) / sqrt(2) AS deviation FROM averages GROUP BY strategy)
    SELECT count(*) FROM drawn JOIN means ON \"group\" = strategy
    WHERE task = 'seen' AND \"tasks learned\" = '3' AND abs(drawn.mean - means.mean) < .01
        AND abs(drawn.deviation - means.deviation) < .01" >out 2>err
[ "$(cat out)" = 3 ] || fail 'the numbers beside a figure are not those of the runs'
for left in *.part; do
    [ ! -e "$left" ] || fail "a figure left $left"
done
echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
