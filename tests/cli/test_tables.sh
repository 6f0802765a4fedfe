#!/usr/bin/env bash
# test_tables.sh PROGRAM ROOT LIBRARY-FOLDER -- tables in every form, and a study by its folder and by
# its manifest.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

for strategy in finetune er; do
    run 0 run split-synthetic $strategy --seeds 2 --out study --quiet
done
run 0 compare study --baseline er --metric average_accuracy --scope class-il
says '1 comparison:'
says 'finetune - er'
does_not_say 'er - finetune'
refused 2 "--baseline: no runs are of 'er-'; did you mean 'er'?" compare study --baseline er-
run 0 compare study --baseline er --metric average_accuracy --scope class-il --format markdown
says '| scope | metric | difference | pairs | mean |'
says '| class-il | average\_accuracy | finetune - er | 2 |'
does_not_say 'paired by seed'
run 0 compare study --format latex
says '\begin{tabular}{lllrrrrrl}'
says 'average\_accuracy & finetune - er & $2$ & $'
run 0 compare study --format csv
says 'scope,metric,difference,pairs,mean,mean std,95 % interval low,95 % interval high,could see,p,verdict'
run 0 compare study --format json
says '"p_corrected"'
refused 2 "--format: 'latx' is not table, markdown, latex, csv or json; did you mean 'latex'?" \
    compare study --format latx
refused 2 'ask for two forms' show study --json --format csv
run 0 show study --format csv
says 'strategy,runs,class-il accuracy,class-il accuracy std,class-il forgetting,class-il forgetting std'
does_not_say 'mneme' # a row a group
run 0 show study --format latex
says '\pm'
run 0 show study/split-synthetic-er-s0.mneme --format csv
says 'table,after,on 1,on 2,on 3'
says 'average_accuracy,'
run 0 show study/split-synthetic-er-s0.mneme --memory --format markdown
says '| exemplars | buffer |'

# A sweep by its folder and by its manifest, whose arms have names.
cat >named.json <<END
{"name": "named", "seeds": 2, "arms": [
 {"benchmark": "split-synthetic", "strategy": "er"},
 {"benchmark": "split-synthetic", "strategy": "er", "name": "er-fast", "set": {"lr": 0.2}},
 {"benchmark": "split-synthetic", "strategy": "joint", "name": "later"}]}
END
refused 1 "named.json: no run of its arms is in runs/named; 'mneme sweep named.json' makes them" show named.json
run 0 sweep named.json --arms er,er-fast --quiet --format csv
says 'benchmark,arm,scope,metric,mean,mean std,95 % low,95 % high,seeds,expected'
says 'split-synthetic,er-fast,class-il,average_accuracy,'
does_not_say 'settings'
run 0 sweep named.json --arms er --table --format json
says '"seeds":	2'
for word in runs/named named.json; do
    run 0 show $word
    says 'runs/named/split-synthetic-er-fast/split-synthetic-er-s1.mneme'
    run 0 compare $word --metric forgetting
    run 0 export $word --format csv
done
run 0 compare named.json --metric forgetting --baseline er-fast --scope class-il
says 'er - er-fast'
refused 2 "--baseline: 2 groups of runs are of 'er'; name one by its label, as in 'er (" \
    compare runs/named --baseline er
mkdir -p empty/below
refused 1 'empty: no run file (*.mneme) is in this folder, nor in one below it' show empty
if command -v gnuplot >/dev/null; then
    run 0 plot named.json -o named.svg
    checks=$((checks + 1))
    grep -q 'er-fast' named.svg || fail 'the figure does not name the arms as the manifest does'
    run 0 plot named.json --labels Replay,Fast --ylim 20,90 --no-title -o named.svg
    checks=$((checks + 1))
    grep -q 'Replay' named.svg || fail 'the figure does not have the labels that were given'
    ! grep -q 'over the tasks seen\|er-fast\|>100<' named.svg || fail 'a title, a name or a limit stayed'
    for ending in pdf png; do
        run 0 plot named.json -o named.$ending
    done
fi
refused 2 '--labels: has 3 names, but 2 groups of runs are drawn' plot named.json --labels a,b,c
refused 2 "--ylim: '90' is not two numbers, as in 40,90" plot named.json --ylim 90
refused 2 "--width is a figure's" plot named.json --width 84

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
