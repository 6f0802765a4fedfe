#!/usr/bin/env bash
# test_grids.sh PROGRAM ROOT LIBRARY-FOLDER -- grids in manifests: what they stand for, and that the
# best of one is chosen without the test images.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

# --- the shipped example ---------------------------------------------------------------------------
study=$root/benchmarks/studies/grid-synthetic.json
run 0 sweep "$study" --table
says 'not run yet'
does_not_say 'best of'
refused 2 "--seeds: the manifest lists the seeds of arm 'finetune'; change them there" \
    sweep "$study" --seeds 1
mkdir temporary
export TMPDIR=$work/temporary
run 0 sweep "$study" --dry-run
says 'nothing is run: 8 arms, 18 runs; by a few steps of each arm about '
[ "$(grep -c '^split-synthetic ' out)" -eq 8 ] || fail 'a plan of eight arms has not eight rows'
grep -q '^split-synthetic  er-lr=0.01-er.replay=5  .* validation .*  2  *96 ' out || fail 'two runs of 3 x 32 steps are not planned'
grep -q '^split-synthetic  er  .* test .*  3  *120 ' out || fail 'three runs of 3 x 40 steps are not planned'
is_not_there runs
[ -z "$(ls temporary)" ] || fail 'a plan leaves something behind'
run 0 sweep "$study" --dry-run --arms er-lr=0.2-er.replay=20 --format csv
says 'benchmark,arm,lr,er.replay,images of,chosen,runs,steps of each,seconds of all,MB of all'
says 'split-synthetic,er-lr=0.2-er.replay=20,0.2,20,validation,,2,96,'
sed 's/"er.replay"/"er.repay"/' "$study" >misspelt.json
refused 2 "arm 'er-lr=0.01-er.repay=5' of split-synthetic: set: er.repay: no such option; did you mean 'replay'?" \
    sweep misspelt.json --dry-run --arms er
[ -z "$(ls temporary)" ] || fail 'a plan that is refused leaves something behind'
run 0 sweep "$study" --quiet --arms er --format csv
says 'benchmark,arm,lr,er.replay,images of,chosen,scope,metric,mean,mean std,95 % low,95 % high,seeds,expected'
rows=$(grep -c ',validation,\(yes\|no\),class-il,average_accuracy,' out)
[ "$rows" -eq 6 ] || fail "a grid of 2 times 3 has $rows candidates"
best=$(awk -F, '$5 == "validation" && $9 > most { most = $9; point = $3 "," $4 } END { print point }' out)
grep -q "^split-synthetic,er-[^,]*,$best,validation,yes," out || fail 'the best on validation is not chosen'
[ "$(grep -c ',validation,yes,' out)" -eq 1 ] || fail 'not one is chosen'
says "split-synthetic,er,$best,test,,class-il"
cp out before.csv
for seed in 2 3 4; do
    is_there runs/grid-synthetic/split-synthetic-er/split-synthetic-er-s$seed.mneme
done
is_not_there runs/grid-synthetic/split-synthetic-er/split-synthetic-er-s0.mneme
count=$(find runs/grid-synthetic/validation -name '*-s[01].mneme' | wc -l)
[ "$count" -eq 12 ] || fail "$count runs on validation, not 12"
run 0 sweep "$study" --quiet --arms er --format csv # everything is there
cmp -s out before.csv || fail 'the same command again says something else'
run 0 sweep "$study" --arms er --table
says 'the best of 6: highest average_accuracy on validation images, a share of 0.2 of the training images, with seeds 0 1; on test images with seeds 2 3 4'
run 0 show "$study"
does_not_say '/validation/'
run 0 show runs/grid-synthetic/validation --format json

# What evaluated on which images, and when: the files say it themselves.
said() { # KEY FILE
    sqlite3 "$2" "SELECT value FROM run WHERE key = '$1'"
}
if command -v sqlite3 >/dev/null; then
    last=
    for file in runs/grid-synthetic/validation/*/*.mneme; do
        [ "$(said evaluated_on "$file")" = validation ] || fail "$file was not evaluated on validation"
        started=$(said started "$file")
        [[ $started > $last ]] && last=$started
    done
    for file in runs/grid-synthetic/split-synthetic-er/*.mneme; do
        [ "$(said evaluated_on "$file")" = test ] || fail "$file was not evaluated on test"
        [[ $(said started "$file") < $last ]] && fail "$file was begun before the last candidate"
    done
fi

# --- no test label has a part in the choice ----------------------------------------------------------
# Two data sets that differ in nothing but the labels of the test images: candidates and choice are
# the same to the byte, and what was chosen then gives other numbers.
mkdir right wrong
awk 'function next_one() { state = (state * 16807) % 2147483647; return state / 2147483647 }
     BEGIN {
         state = 7
         for (i = 0; i < 480; i++) {
             class = i % 4
             line = ""
             for (j = 0; j < 8; j++)
                 line = line sprintf("%.3f,", (int(j / 2) == class) * 0.6 + next_one())
             print line class > (i < 320 ? "right/train.csv" : "right/test.csv")
         }
     }'
cp right/train.csv wrong
awk -F, -v OFS=, '{ $NF = ($NF + 1) % 4; print }' right/test.csv >wrong/test.csv
for labels in right wrong; do
    cat >$labels.json <<END
{"name": "points", "dataset": {"name": "csv", "path": "$labels"}, "stream": {"tasks": 2},
 "normalise": "measured", "network": {"name": "mlp", "widths": [16]},
 "train": {"buffer_size": 20, "batch": 10, "lr": 0.1}}
END
    cat >"$labels-study.json" <<END
{"name": "$labels", "seeds": [10, 12],
 "choose": {"on": "validation", "held_out": 0.25, "metric": "average_accuracy", "seeds": [3, 4], "then": "test"},
 "arms": [{"benchmark": "./$labels.json", "strategy": "er", "name": "er",
           "grid": {"lr": [0.001, 0.2], "epochs": [1]}}]}
END
    run 0 sweep $labels-study.json --quiet --format csv
    sed "s/$labels.json/points.json/" out >$labels.csv
done
grep ',validation,' right.csv >right.candidates
grep ',validation,' wrong.csv >wrong.candidates
cmp -s right.candidates wrong.candidates || fail 'test labels change candidates, or the choice'
checks=$((checks + 1))
cmp -s right.csv wrong.csv && fail 'test labels change nothing at all, so the comparison shows nothing'
for file in runs/right/validation/*/*.mneme; do
    other=${file/right/wrong}
    other=${other//right.json/wrong.json}
    is_there "$other"
    for one in "$file" "$other"; do
        run 0 export "$one" --format csv
        sed 's/right\.json/points.json/g; s/wrong\.json/points.json/g; s/right/points/g; s/wrong/points/g' out >"${one//\//_}.said"
    done
    cmp -s "${file//\//_}.said" "${other//\//_}.said" || fail "test labels change $file"
done
is_there runs/right/right.json-er/points-er-s12.mneme
is_not_there runs/right/right.json-er/points-er-s11.mneme

# A benchmark that holds images out itself changes neither.
sed 's/"batch"/"validation": 0.5, "validation_beside": true, "batch"/' wrong.json >beside.json
sed 's/wrong.json/beside.json/; s/"wrong"/"beside"/' wrong-study.json >beside-study.json
run 0 sweep beside-study.json --quiet --format csv
sed 's/beside.json/points.json/' out >beside.csv
cmp -s beside.csv wrong.csv || fail "a benchmark's own validation changes the choice, or the test"

# --- less can be better, and a choice can be open ------------------------------------------------------
sed 's/"right"/"lowest"/; s/average_accuracy/forgetting/' right-study.json >lowest.json
run 0 sweep lowest.json --quiet --format csv
least=$(awk -F, '$5 == "validation" && (least == "" || $9 < least) { least = $9; lr = $3 } END { print lr }' out)
grep -q ",$least,1,validation,yes," out || fail 'the least forgetting is not chosen'
says 'forgetting'
rm runs/lowest/validation/*lr=0.001*/*-s4.mneme
run 0 sweep lowest.json --table --format csv
does_not_say ',yes,'
sed 's/\[0.001, 0.2\]/[0.001, 50]/; s/"lowest"/"open"/' lowest.json >open.json
mkdir -p "runs/open/validation/right.json-er-lr=50-epochs=1"
cp runs/lowest/validation/right.json-er-lr=0.2-epochs=1/*.mneme "runs/open/validation/right.json-er-lr=50-epochs=1"
run 1 sweep open.json --quiet # one candidate's files are of other settings
grep -q 'er of ./right.json: nothing is chosen: er-lr=50-epochs=1 was run with another lr' err ||
    fail 'an open choice has no reason'
is_not_there runs/open/right.json-er

# --- a grid without a choice ---------------------------------------------------------------------------
cat >plain.json <<END
{"name": "plain", "arms": [
  {"benchmark": "split-synthetic", "strategy": "finetune"},
  {"benchmark": "split-synthetic", "strategy": "er", "name": "er", "set": {"lr": 0.1},
   "grid": {"buffer_size": [20, 60], "network.widths": [[8, 4], "16"]},
   "expect": [{"scope": "class-il", "minus": "finetune", "source": "no range"}]}]}
END
run 0 sweep plain.json --quiet --format csv
says 'split-synthetic,er-buffer_size=20-network.widths=8-4,20,'
says 'split-synthetic,er-buffer_size=60-network.widths=16,60,16,class-il'
does_not_say 'images of'
[ "$(wc -l <out)" -eq 10 ] || fail 'finetune and four arms with a mean and a difference are not ten lines'
is_there runs/plain/split-synthetic-er-buffer_size=60-network.widths=8-4/split-synthetic-er-s0.mneme
run 0 sweep plain.json --table --arms er-buffer_size=20-network.widths=16
says 'buffer_size'

# --- mistakes ------------------------------------------------------------------------------------------
wrong() { # WORDS CHANGE
    sed "$2" right-study.json >mistake.json
    cmp -s right-study.json mistake.json && fail "nothing is changed by $2"
    refused 2 "$1" sweep mistake.json
}
wrong "arms[0]: 'grid' should be an object of lists" 's/"grid": {.*}}/"grid": [1]}/'
wrong 'arms[0]: grid.lr should list the values to try' 's/\[0.001, 0.2\]/0.1/'
wrong 'arms[0]: grid.lr should list the values to try' 's/\[0.001, 0.2\]/[]/'
wrong 'arms[0]: grid.lr: expected a number' 's/\[0.001, 0.2\]/[{}]/'
wrong 'arms[0]: grid.lr: 0.05 is there twice; keep one' 's/\[0.001, 0.2\]/[0.05, 0.050]/'
wrong "arms[0]: grid.lr: 'set' has it too; keep one" 's/"grid"/"set": {"lr": 0.1}, "grid"/'
wrong "arms[0]: validation is set by 'choose'" 's/"epochs": \[1\]/"validation": [0.1]/'
wrong "arms[0]: train.seed is set by 'choose'" 's/"grid"/"set": {"train.seed": 1}, "grid"/'
wrong "mistake.json: validation_beside is set by 'choose'" 's/"arms"/"set": {"validation_beside": true}, "arms"/'
wrong 'choose: no arm has a' 's/"grid": {.*}}/"set": {}}/'
wrong 'arms[0]: seed 3 is among choose.seeds; test with others' 's/\[10, 12\]/[10, 3]/'
wrong "arms[0]: with 'choose', 'seeds' should list the seeds to test with" 's/\[10, 12\]/2/'
wrong 'choose: seeds: 3 is there twice; keep one' 's/\[3, 4\]/[3, 3]/'
wrong "choose: 'seeds' should list the seeds to choose with" 's/\[3, 4\]/2/'
wrong 'seeds: expected whole numbers from 0 to' 's/\[3, 4\]/[3, -4]/'
wrong 'seeds: expected 1 to 10000 of them' 's/\[10, 12\]/[]/'
wrong "choose: on: 'test': what is best is chosen on 'validation' alone" 's/"on": "validation"/"on": "test"/'
wrong "choose: then: 'tests'" 's/"then": "test"/"then": "tests"/'
wrong "choose.metrics: no such key; did you mean 'metric'?" 's/"metric"/"metrics"/'
wrong "choose: metric: there is no 'average_acuracy'; did you mean 'average_accuracy'?" 's/average_accuracy/average_acuracy/'
wrong "neither more nor less of 'rank_slope' is better" 's/average_accuracy/rank_slope/'
wrong "choose: scope: 'validation-class-il': the images are those held out already" \
    's/"then"/"scope": "validation-class-il", "then"/'
wrong 'choose.held_out' 's/0.25/1.5/'

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
