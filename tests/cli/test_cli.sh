#!/usr/bin/env bash
# test_cli.sh PROGRAM ROOT LIBRARY-FOLDER -- every command and every mistake of the command line, as
# a person types them: exit code, and one line on standard error that helps.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

# --- help ---------------------------------------------------------------------------------------
run 0 --version
says 'mneme '
run 0 --help
says 'usage: mneme COMMAND'
run 2
run 0 help
for command in run resume sweep show compare plot buffer judge export list help new distil condense; do
    run 0 "$command" --help
    says "usage: mneme $command"
    run 0 help "$command"
    says "usage: mneme $command"
done
run 0 run --help
says '--buffer-size N'
says '--[no-]outputs'
run 0 list
for name in split-synthetic derpp reservoir mlp fashion-mnist; do
    says "$name"
done
run 0 list strategies
says 'finetune'
does_not_say 'reservoir'
run 0 list --json
says '"datasets"'
run 0 help derpp
says 'derpp.alpha'
says 'default 0.5'
says 'recipe of split-synthetic'
for name in split-synthetic reservoir mlp fashion-mnist "$root/benchmarks/split-synthetic.json"; do
    run 0 help "$name"
    says 'used by: '
done
refused 2 "did you mean 'run'?" rnu
refused 2 "did you mean 'strategies'?" list strategys
refused 2 "did you mean 'derpp'?" help derp+
refused 2 "'mneme list' shows all names" help qqqqqqqq

# --- mistakes before a run ------------------------------------------------------------------------
refused 2 'run needs BENCHMARK and STRATEGY' run
refused 2 "what is 'c'?" run a b c
refused 2 "did you mean 'split-synthetic'?" run split-sinthetic er
refused 2 "did you mean 'finetune'?" run split-synthetic finetun
refused 2 "did you mean --buffer-size?" run split-synthetic er --bufer-size 5
refused 2 'needs a value' run split-synthetic er --out
refused 2 'needs a value' run split-synthetic er --out --quiet
refused 2 'takes no value' run split-synthetic er --quiet=yes
refused 2 "'-1' is not a whole number" run split-synthetic er --buffer-size -1
refused 2 "'many' is not a whole number" run split-synthetic er --epochs many
refused 2 'buffer_size is 0' run split-synthetic er --buffer-size 0
refused 2 'buffer_policy' run split-synthetic er --buffer-policy reservior
refused 2 'expected KEY=VALUE' run split-synthetic er --set er.replay
refused 2 "did you mean 'replay'?" run split-synthetic er --set er.reply=3
refused 2 "did you mean 'er'?" run split-synthetic er --set err.replay=3
refused 2 "'0' is not a whole number" run split-synthetic er --set er.replay=0
refused 2 'both bring a loss' run split-synthetic er+derpp
refused 2 '--seeds' run split-synthetic er --seeds 0
refused 2 '--jobs needs --seeds' run split-synthetic er --jobs 2
refused 2 'nothing.json' run ./nothing.json er
echo '{"dataset": {"name": "synthetic"' >torn.json
refused 2 'torn.json' run ./torn.json er
echo '{"datset": {"name": "synthetic"}}' >misspelt.json
refused 2 "did you mean 'dataset'?" run ./misspelt.json er
echo '{"stream": {"tasks": 0}}' >none.json
refused 2 "'0' is not a whole number" run ./none.json er
refused 2 'nothing.so' run split-synthetic ./nothing.so
echo 'not a plugin' >text.so
refused 2 'is not a plugin' run split-synthetic ./text.so
is_not_there runs

# Data that are not there: says where they were sought and what brings them.
mkdir empty
if [ ! -e /usr/share/datasets/mnist ]; then
    MNEME_DATA=$work/empty HOME=$work/empty refused 1 'mnist' run split-mnist er --out mnist.mneme
fi

# --- a run ----------------------------------------------------------------------------------------
run 0 run split-synthetic er
says 'class-il accuracy in per cent on test images'
says 'average_accuracy'
is_there runs/split-synthetic-er-s0.mneme
checks=$((checks + 1))
grep -q '^recipe of split-synthetic for er' err || fail 'the recipe is not named'
grep -q '^task 3/3 done' err || fail 'no line at the end of a task'
refused 2 'mneme resume runs/split-synthetic-er-s0.mneme' run split-synthetic er
run 0 run split-synthetic er --quiet --json --out a.mneme --seed 1 --set er.replay=5 --no-outputs
says '"seed":	1'
says '"replay":	5'
says '"outputs":	false'
checks=$((checks + 1))
[ ! -s err ] || fail '--quiet says something'
run 0 resume a.mneme --quiet
says 'finished'
refused 1 'there is no such file' resume nothing.mneme
refused 1 'text.so' show text.so
refused 1 'there is no such file' buffer nothing.mneme
if [ "$(id -u)" -ne 0 ]; then
    mkdir -m 555 locked
    refused 1 'locked' run split-synthetic er --out locked/a.mneme
    is_not_there locked/a.mneme
fi
head -c 20000 a.mneme >torn.mneme
run 1 show torn.mneme

# --- data -----------------------------------------------------------------------------------------
run 0 data get synthetic
says 'It needs no files'
run 0 data get folder
says '"path" in a benchmark'
HOME=$work run 0 data get cifar10
says 'To get it: put cifar-10-binary.tar.gz'
refused 2 "did you mean 'mnist'?" data get mnits
refused 2 "'take' is not get, check, show, pack or features" data take mnist
refused 2 'data needs get, check, show, pack or features, and a NAME' data check
run 0 data check synthetic
says 'synthetic is sound'
says 'values    0 to 1, mean 0.'
says '600 of each class'
run 0 data check split-synthetic --set dataset.classes=4 --set stream.tasks=2
says 'training  800, 200 of each class'
run 0 data check split-synthetic --json
says '"digest"'
refused 2 "did you mean 'classes'?" data check split-synthetic --set dataset.clases=4
HOME=$work refused 1 'to get it: put cifar-10-binary.tar.gz' data check cifar10
refused 2 'say with -o where to draw' data show split-synthetic
refused 2 "'synthetic' is a data set; name a benchmark" data show synthetic -o sheet.png
refused 1 'no/such.png: cannot be written' data show split-synthetic -o no/such.png
run 0 data show split-synthetic -o sheet.png
is_there sheet.png
run 0 data show split-synthetic --augmented --set augment.flip=true -o augmented.png
is_there augmented.png
run 0 data show ssl-synthetic --augmented -o both.png
is_there both.png
run 0 data show split-synthetic --views --set views.cutout=1 -o views.png
is_there views.png
refused 2 'a size of 15 is larger than the images, 14x14' \
    data show split-synthetic --views --set views.size=15 -o large.png
run 0 buffer a.mneme --sheet memory.png
is_there memory.png
refused 1 'there is no such file' buffer nothing.mneme --sheet none.png

# --- what a generator made ------------------------------------------------------------------------
run 0 run split-synthetic dgr --quiet --set dgr.samples=30 -o made.mneme \
    --set 'dgr.generator={"widths": "20", "latent": 4}'
says 'dgr/generator      network' # 196*20+20 + 20*4+4 + 20*4 + 4*20+20 + 20*196+196 = 8320
says ' 8320 '
says ' 169.8'
run 0 show made.mneme --samples made.png
is_there made.png
run 0 buffer made.mneme
says 'dgr/generator      network'
run 0 buffer made.mneme --json
says '"numbers":	8320'
refused 1 'mog-replay draws features, which nobody can look at' show a.mneme --samples none.png
is_not_there none.png
few='--set condensed.iterations=4 --set condensed.width=4 --set gdumb.epochs=3 --quiet'
run 0 condense split-synthetic --per-class 2 -o few.safetensors $few
is_there few.safetensors
cp few.safetensors before.safetensors
rm few.safetensors
run 0 condense split-synthetic --per-class 2 -o few.safetensors $few
cmp -s few.safetensors before.safetensors || fail "a finished condensation wrote another file"
refused 2 'is of another study' condense split-synthetic --per-class 3 -o few.safetensors $few
refused 2 'condense needs --per-class N' condense split-synthetic -o none.safetensors
run 0 condense uneven-synthetic --per-class 1 -o uneven.safetensors $few # lists classes of tasks
rm -f uneven.safetensors uneven.safetensors.mneme
run 0 buffer few.safetensors.mneme
says '12 exemplars'
says 'made'
run 0 buffer few.safetensors.mneme --sheet few.png
run 0 show few.safetensors.mneme --samples few.png
echo '{"name": "few", "dataset": {"name": "npy", "path": "few.safetensors", "dtype": "f32"}, "stream": {"tasks": 2},
 "network": {"name": "mlp", "widths": "8"}}' >few.json
run 0 data check ./few.json
says 'training  6, 1 of each class'
run 0 run split-synthetic joint --quiet --seed 1 -o judge.mneme
run 0 judge made.mneme --by judge.mneme
says 'after task 3'
says 'worst class'
run 0 judge made.mneme --by judge.mneme --json
says '"nearest, pixels"'
refused 2 'judge needs a run that judges: --by JUDGE' judge made.mneme
refused 2 'a run cannot judge itself' judge made.mneme --by made.mneme
refused 1 'nothing.mneme: there is no such file' judge made.mneme --by nothing.mneme
refused 1 'the run has kept no images of a generator' judge a.mneme --by judge.mneme
printf '1,2,a\n3,4,b\n1,x,a\n3,4,b\n' >table.csv
echo '{"dataset": {"name": "csv", "path": "table.csv"}, "stream": {"tasks": 2}}' >table.json
refused 1 "table.csv: line 3, column 2: 'x' is no number" data check ./table.json
sed -i s/x/2/ table.csv
run 0 data check ./table.json
says 'measurements in 255 steps'
sed 's/}}/}, "augment": {"flip": true}}/' table.json >turned.json
holds="'csv' holds measurements, which cannot be cropped or mirrored"
refused 2 "$holds" data check ./turned.json
refused 2 "$holds" data show ./turned.json -o turned.png
refused 2 "$holds" run ./turned.json finetune -o turned.mneme
[ ! -e turned.mneme ] || fail 'a run that was refused left its file'
# A last batch of one row has no variance for a norm over the batch.
run 0 run split-synthetic er --batch 21 --seed 3 --set network.batch_norm=true --set dataset.train_per_class=11 -o odd.mneme -q

# --- interruption ---------------------------------------------------------------------------------
"$program" run split-synthetic er --epochs 2000 --out long.mneme --quiet >out 2>err &
process=$!
for _ in $(seq 100); do
    [ -e long.mneme ] && break
    sleep 0.1
done
sleep 0.5
kill -INT $process
code=0
wait $process || code=$?
checks=$((checks + 1))
[ $code -eq 75 ] || fail "an interrupted run ended with $code, not 75"
grep -q "mneme resume long.mneme" err || fail 'an interrupted run does not say how to go on'
run 0 show long.mneme
says '0 of 3 tasks'
refused 2 'is not finished' compare long.mneme a.mneme
"$program" resume long.mneme --quiet >out 2>err &
process=$!
for _ in $(seq 100); do # a busy machine takes its time to open the file
    "$program" show long.mneme 2>>err | grep -q 'running, ' && break
    sleep 0.1
done
run 0 show long.mneme
says 'running, 0 of 3 tasks'
kill -KILL $process
wait $process 2>>err
run 0 show long.mneme
says 'interrupted, 0 of 3 tasks'

# The same command goes on with what it began, and with nothing else.
refused 2 'long.mneme exists' run split-synthetic er --epochs 1999 --out long.mneme
# Whoever runs the tests under nohup hands down that SIGHUP is ignored, which mneme respects.
for signal in HUP USR1 USR2 TERM; do
    env --default-signal=HUP "$program" run split-synthetic er --epochs 2000 --out long.mneme >out 2>err &
    process=$!
    for _ in $(seq 100); do
        grep -q 'continuing at step' err && break
        sleep 0.1
    done
    kill -$signal $process
    code=0
    wait $process || code=$?
    checks=$((checks + 1))
    [ $code -eq 75 ] || fail "SIG$signal: ended with $code, not 75"
    grep -q '^continues long.mneme' err || fail "SIG$signal: the same command does not go on"
done

# Paths in a benchmark are relative to its file, and a run goes on from any folder.
mkdir -p brought/data elsewhere-still
for i in $(seq 40); do echo "$((i % 4 * 50)),$((i * 7 % 90)),$((i % 4))"; done >brought/data/train.csv
cat >brought/brought.json <<'JSON'
{"dataset": {"name": "csv", "path": "data/train.csv"}, "stream": {"tasks": 2},
 "network": {"name": "mlp", "widths": "4"}, "train": {"batch": 4, "threads": 1}}
JSON
run 0 run brought/brought.json er --epochs 1 -o brought.mneme -q
(cd elsewhere-still && exec "$program" run ../brought/brought.json er --epochs 20000 -o brought.mneme -q) >out 2>err &
process=$!
for _ in $(seq 100); do
    [ -e elsewhere-still/brought.mneme ] && break
    sleep 0.1
done
sleep 0.3
kill -TERM $process
code=0
wait $process || code=$?
[ $code -eq 75 ] || fail "a run with data beside its benchmark ended with $code, not 75"
"$program" resume elsewhere-still/brought.mneme >out 2>err &
process=$!
for _ in $(seq 100); do
    grep -q 'continuing at step' err && break
    sleep 0.1
done
kill -TERM $process
code=0
wait $process || code=$?
checks=$((checks + 2))
[ $code -eq 75 ] || fail "resumed from another folder, it ended with $code, not 75"

# A finished run is complete wherever it lies.
mkdir still
cp brought.mneme still
chmod 0444 still/brought.mneme
chmod 0555 still
run 0 resume still/brought.mneme
[ "$(ls still)" = brought.mneme ] || fail 'resume left files beside a finished run'
chmod 0755 still

# Every row is looked at on request.
run 0 show --check a.mneme long.mneme
says 'a.mneme is sound'
says 'long.mneme is sound'
if command -v sqlite3 >/dev/null; then
    cp a.mneme lost.mneme
    sqlite3 lost.mneme 'DELETE FROM scalar WHERE step = (SELECT max(step) FROM scalar)'
    run 0 show lost.mneme
    run 1 show --check lost.mneme a.mneme
    says 'a.mneme is sound'
    grep -q "table 'scalar' has not the rows" err || fail 'a lost row is not noticed'
    run 1 resume lost.mneme
    grep -q "table 'scalar' has not the rows" err || fail 'a lost row passes before a resume'
fi

# Sections are shown as far as they differ from their defaults.
run 0 run split-synthetic er --set labels.fraction=0.5 --set augment.pad=1 -o sections.mneme --quiet
run 0 show sections.mneme
says 'labels: fraction=0.5'
says 'augment: pad=1'
says 'schedule: constant'
does_not_say 'views:'

# --- seeds ----------------------------------------------------------------------------------------
# As many processes as there are cores: two threads of one core are no two cores.
firsts() {
    local range cpu
    for range in $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status | tr ',' ' '); do
        for ((cpu = ${range%-*}; cpu <= ${range#*-}; cpu++)); do
            sed 's/[^0-9].*//' "/sys/devices/system/cpu/cpu$cpu/topology/thread_siblings_list" \
                2>/dev/null || echo "$cpu"
        done
    done
}
cores=$(firsts | sort -u | wc -l)
run 0 run split-synthetic er --seeds 3 --out study
grep -qF "3 seeds, $((cores < 3 ? cores : 3)) at a time" err || fail "not as many jobs as cores: $cores"
says 'mean ± sample standard deviation'
for seed in 0 1 2; do
    is_there "study/split-synthetic-er-s$seed.mneme"
done
rm study/split-synthetic-er-s1.mneme
run 0 run split-synthetic er --seeds 3 --out study --jobs 1
checks=$((checks + 1))
grep -q 'seed 0 is finished already' err || fail 'finished seeds are not named'
grep -q 'seed 1 done' err || fail 'the missing seed was not run'
run 1 run split-synthetic er --seeds 2 --out study --lr 0.2
checks=$((checks + 1))
grep -q 'another study: it has train.lr=0.1, this one 0.2' err || fail 'two studies are mixed'
refused 2 'it names a folder' run split-synthetic er --seeds 2 --out a.mneme
# The seed is the one given, wherever it is given; so are the threads.
run 0 run split-synthetic finetune --seeds 2 --out seeded --set seed=7
is_there seeded/split-synthetic-finetune-s7.mneme
is_there seeded/split-synthetic-finetune-s8.mneme
echo '{"seeds": 2, "set": {"seed": 5, "threads": 2}, "arms": [
  {"benchmark": "split-synthetic", "strategy": "finetune"}]}' >seeded.json
run 0 sweep seeded.json --out seeded
for seed in 5 6; do
    made=seeded/split-synthetic-finetune/split-synthetic-finetune-s$seed.mneme
    is_there "$made"
    checks=$((checks + 1))
    [ "$(sqlite3 "$made" "SELECT value FROM run WHERE key = 'threads'")" = 2 ] ||
        fail "the threads that a study sets are not those of its runs"
done
# A folder's runs in one table, with a column for each setting.
run 0 export seeded --format csv
says 'accuracy,file,made.numerics,'
says ',seeded/split-synthetic-finetune-s8.mneme,'
checks=$((checks + 1))
said=$(sqlite3 :memory: '.import --csv out runs' 'SELECT DISTINCT "network.widths" FROM runs' 2>&1)
[ "$said" = 50,50 ] || fail "the CSV of a folder is read as $said"
run 0 export seeded --format json
says '"groups"'
refused 2 'give one FILE' export seeded/*.mneme --format safetensors

# A finished run of other data, or of other numbers, is not taken for one of this study.
printf 'x,y,label\n' >table.csv
for i in {1..40}; do echo "$((i * i % 11)),$((i % 7)),$((i % 4))"; done >>table.csv
echo '{"name": "table", "dataset": {"name": "csv", "path": "table.csv"}, "stream": {"tasks": 2},
  "network": {"name": "mlp", "widths": "5"}}' >table.json
run 0 run ./table.json finetune --seeds 1 --out tables
run 0 run ./table.json finetune --seeds 1 --out tables
sed -i '8s/^[0-9]*/12/' table.csv
run 1 run ./table.json finetune --seeds 1 --out tables
checks=$((checks + 1))
grep -q 'was made with other data' err || fail 'a run of other data is taken for one of these'
run 0 run ./table.json finetune --seed 1 --out tables/table-finetune-s1.mneme -q
run 0 show tables
says 'finetune (data='
cp study/split-synthetic-er-s0.mneme older.mneme
sqlite3 older.mneme "DELETE FROM run WHERE key = 'numerics'"
run 0 show older.mneme study/split-synthetic-er-s1.mneme
says 'er (numerics=1)'
checks=$((checks + 1))
numerics=$(sqlite3 study/split-synthetic-er-s1.mneme "SELECT value FROM run WHERE key = 'numerics'")
last=$(sed -n '/^| numerics | since/,/^$/p' "$root/docs/run-file.md" | grep -o '^| [0-9]*' | tail -n 1)
[ "$last" = "| $numerics" ] || fail "docs/run-file.md does not tell what moved with numerics $numerics"
made=$(sqlite3 study/split-synthetic-er-s1.mneme "SELECT value FROM run WHERE key = 'build'")
checks=$((checks + 1))
[[ $made = unknown || $made =~ ^[0-9a-f]{16,}$ ]] || fail "the build of mneme is '$made'"
mkdir olds
mv older.mneme olds/split-synthetic-er-s0.mneme
run 1 run split-synthetic er --seeds 1 --out olds
checks=$((checks + 1))
grep -q 'it has made.numerics=1, this one' err || fail 'a run of other numbers is taken for this one'

# Where data and initial weights lie, and what else changes no result, makes no other study.
mkdir elsewhere
run 0 export study/split-synthetic-er-s0.mneme --format safetensors -o begin.safetensors
cp begin.safetensors elsewhere
run 0 run split-synthetic er --seeds 2 --out moved --init begin.safetensors
rm moved/split-synthetic-er-s1.mneme
run 0 run split-synthetic er --seeds 2 --out moved --init elsewhere/begin.safetensors \
    --data-folder elsewhere --buffer-memory 1000000
run 0 show moved
checks=$((checks + 1))
[ "$(grep -c '^er ' out)" -eq 1 ] || fail 'one study is shown as several'
run 0 run split-synthetic finetune --seeds 2 --out study --quiet --json
says '"deviation"'
"$program" run split-synthetic er --epochs 2000 --seeds 2 --out longs --quiet >out 2>err &
process=$!
for _ in $(seq 100); do
    [ -e longs/split-synthetic-er-s0.mneme ] && break
    sleep 0.1
done
sleep 0.5
kill -TERM $process
code=0
wait $process || code=$?
checks=$((checks + 1))
[ $code -eq 75 ] || fail "interrupted seeds ended with $code, not 75"

# --- numbers are read by what checks them ---------------------------------------------------------
refused 2 "batch: '0x10' is not a whole number" run split-synthetic er --batch 0x10
refused 2 "epochs: '0x3' is not a whole number" run split-synthetic er --epochs 0x3
refused 2 "lr: 'inf' is not a number" run split-synthetic er --lr inf
refused 2 "--seeds: '0x2' is not a whole number" run split-synthetic er --seeds 0x2
refused 2 "er.replay: '1e-1' is not a whole number" run split-synthetic er --set er.replay=1e-1
refused 2 'stream.class_order: lists 3 classes, 4 are needed' run split-synthetic er \
    --out short.mneme --set stream.tasks=2 --set stream.classes=4 --set stream.class_order=5,4,3

# --- data of one's own ----------------------------------------------------------------------------
mkdir own
for i in 1 2 3 4 5 6 7 8; do
    echo "$((1700000000 + i * i)),$((i * 50)),$((i % 2 == 0))"
done >own/train.csv
cat >own.json <<END
{"name": "own", "dataset": {"name": "csv", "path": "own"}, "stream": {"tasks": 2},
 "normalise": "measured", "network": {"name": "mlp", "widths": [4]}, "train": {"buffer_size": 4}}
END
run 0 data check ./own.json
says 'values    '
says '/own/test.csv: 0.2 of each class becomes the test set'
says '/own/train.csv: 1 of 2 values of a row lie far from 0'
run 0 data check ./own.json --json
says '"greatest":'
sed 's/0$/"bear, polar"/; s/1$/ox/' own/train.csv >bears.csv
run 0 data check ./own.json --set dataset.path=bears.csv
says 'classes   2: "bear, polar", ox'
says 'task 1'
refused 2 "stream.class_order[0]: no class is called 'bee'" data check ./own.json \
    --set dataset.path=bears.csv --set 'stream.class_order=bee,ox'
printf '1,2,0\n3,4,1\n1,2,0\n' >few.csv
head -n 1 few.csv >first.csv
refused 2 "'csv' has no test image of class 1, which is in the stream" data check ./own.json \
    --set dataset.path=few.csv --set dataset.test=first.csv --set stream.tasks=1
run 0 run ./own.json er --out own.mneme
grep -q '^there is no /.*/own/test.csv' err || fail 'a note of the reader is not said'
grep -q 'normalise_mean' own.mneme || fail 'the measured mean is not kept'
run 0 run ./own.json er --out far.mneme --set normalise.mean=0 --set normalise.deviation=1
grep -q "warning: the network's inputs reach " err || fail 'inputs far from 1 are not noticed'
run 0 run ./own.json er --out far.mneme.2 --set dataset.standardise=true
! grep -q "warning:" err || fail 'standardised inputs are warned of'

# --- studies --------------------------------------------------------------------------------------
manifest() { # EXPECTATION OF THE SECOND ARM [NAME OF THE THIRD]
    cat >study.json <<END
{"name": "arms", "seeds": 2, "arms": [
  {"benchmark": "split-synthetic", "strategy": "finetune"},
  {"benchmark": "split-synthetic", "strategy": "er", "expect": [$1]},
  {"benchmark": "split-synthetic", "strategy": "er", "name": "${2-er-small}", "seeds": 1,
   "set": {"buffer_size": 20}}]}
END
}
manifest '{"scope": "class-il", "minus": "finetune", "from": -200, "to": 200, "source": "a bound on per cent"}'
run 0 sweep study.json --table
says 'not run yet'
says 'expectations: 0 met, 0 not met, 0 not shown, 1 not run'
run 0 sweep study.json --quiet --arms er
says 'not run yet'
does_not_say 'er-small'
run 0 sweep study.json --quiet
says 'average_accuracy - finetune'
says 'er        class-il  average_accuracy  ' # its own mean, too
says 'er-small  {"buffer_size":20}'
says '-200 to 200 [1]: yes'
says '[1] a bound on per cent'
says 'expectations: 1 met, 0 not met, 0 not shown, 0 not run'
is_there runs/arms/split-synthetic-er-small/split-synthetic-er-s0.mneme
is_not_there runs/arms/split-synthetic-er-small/split-synthetic-er-s1.mneme

# An expectation can fail: its interval lies elsewhere, is too wide, or is none; it has no number; or
# its runs are of another study.
verdict() { # CODE WORDS EXPECTATION OF THE SECOND ARM
    manifest "$3"
    run "$1" sweep study.json --table
    says "$2"
}
verdict 1 'at most -200: no' '{"scope": "class-il", "minus": "finetune", "to": -200}'
verdict 1 'at least 200: no' '{"scope": "class-il", "from": 200}'
low_end=$("$program" sweep study.json --table 2>err | sed -n 's/.*er  *class-il .* \([0-9.]*\) to .*/\1/p' | head -n 1)
verdict 1 'not shown' "{\"scope\": \"class-il\", \"from\": $(echo "$low_end" | awk '{ print $1 + 0.5 }')}"
verdict 0 'yes' "{\"scope\": \"class-il\", \"from\": $(echo "$low_end" | awk '{ print $1 - 0.5 }'), \"to\": 200}"
verdict 1 '0 of 2 runs have a value' '{"scope": "domain-il", "from": 0}'
verdict 1 '0 of 2 runs have a value' '{"scope": "domain-il"}'
verdict 1 '0 of 2 runs have a value' '{"metric": "forward_transfer", "scope": "class-il", "from": 0}'
verdict 1 'not shown' '{"scope": "class-il", "minus": "er-small", "from": -200}' # one pair
run 0 sweep study.json --table --seeds 3
says '2 of 3 run'
rm runs/arms/split-synthetic-er/split-synthetic-er-s1.mneme
verdict 0 '1 of 2 run' '{"scope": "class-il", "minus": "finetune", "from": 200}'
run 1 sweep study.json --quiet
says 'at least 200: no'
verdict 1 'at most 0: no' '{"scope": "class-il", "to": 0}'
run 1 sweep study.json --table --costs
says ' 2390 ' # images: ER replays as many as come, but for the first step
refused 2 "no arm is called 'derpp'" sweep study.json --arms er,derpp
refused 2 "no arm is called 'er-smal'; did you mean 'er-small'?" sweep study.json --arms er-smal
run 1 sweep study.json --table --arms er # whose settings are none
does_not_say 'settings'
sed 's/"buffer_size": 20/"buffer_size": 30/' study.json >since.json
run 1 sweep since.json --table --arms er-small
says 'the runs had another buffer_size'
sed 's/"seeds": 2/"seeds": 2, "set": {"lr": 0.2}/' study.json >since.json
run 1 sweep since.json --table --arms er-small
says 'the runs had another lr'
sed 's/"seeds": 2/"seeds": 2, "set": {"lr": 1e-1}/' study.json >since.json
run 0 sweep since.json --table --arms er-small
does_not_say 'the runs had another'
sed 's/"seeds": 2/"seeds": 2, "set": {"threads": 1}/' study.json >all.json
run 1 sweep all.json --table
says '(all)            (all)     {"threads":1}'
sed 's/"seeds": 2/"seeds": 3/; s/"er", "expect"/"er", "set": {"er.replay": 5}, "expect"/' study.json >other.json
run 1 sweep other.json --quiet # files of the first study are in the way of its second arm alone
checks=$((checks + 1))
grep -q "arm 'er' of split-synthetic failed" err || fail 'the arm that failed is not named'
is_there runs/arms/split-synthetic-finetune/split-synthetic-finetune-s2.mneme
manifest '{"minus": "finetun"}'
refused 2 "no arm of split-synthetic is called 'finetun'; did you mean 'finetune'?" sweep study.json
manifest '{"minus": "er"}'
refused 2 "'er' is this arm itself" sweep study.json
manifest '{"metric": "average_acuracy"}'
refused 2 "did you mean 'average_accuracy'?" sweep study.json
manifest '{"scope": "task"}'
refused 2 'is not class-il, task-il or domain-il' sweep study.json
manifest '{"form": 10}'
refused 2 "expect[0].form: no such key; did you mean 'from'?" sweep study.json
manifest '{"from": 10, "to": 9}'
refused 2 'from 10 to 9 is no range; turn them round' sweep study.json
sed 's/"name": "er-small", //' study.json >same.json
refused 2 "arms[2]: its runs would be in the folder of arms[1], er of split-synthetic; give one of them another" \
    sweep same.json
manifest '{"to": 10}' er/small
refused 2 "arms[2]: name: 'er/small' should be a word" sweep study.json
cat >list.json <<END
{"name": "a", "arms": [], "name": "b"}
END
refused 2 "list.json: the key 'name' is given twice; keep one" sweep list.json
echo '{"arms": [{"benchmark": "split-synthetic", "strategy": "er", "set": [20]}]}' >list.json
refused 2 "arms[0]: 'set' should be an object" sweep list.json
echo '{"arms": [{"benchmark": "split-synthetic", "strategy": "er", "set": {"lr": {}}}]}' >list.json
refused 2 "arms[0]: set.lr: expected a number" sweep list.json
echo '{"arms": [["er"]]}' >list.json
refused 2 'arms[0]: expected an object' sweep list.json
echo '["arms"]' >list.json
refused 2 'list.json: expected an object' sweep list.json
cat >lists.json <<END
{"name": "../beside", "arms": [{"benchmark": "split-synthetic", "strategy": "er", "set":
  {"network.widths": [7, 5], "stream.class_order": [5, 4, 3, 2, 1, 0], "dataset.train_per_class": 8}}]}
END
run 0 sweep lists.json --quiet
says '"network.widths":[7,5]'
is_there runs/..-beside/split-synthetic-er/split-synthetic-er-s0.mneme
run 0 show runs/..-beside/split-synthetic-er/split-synthetic-er-s0.mneme
says 'widths=7,5'

# --- results --------------------------------------------------------------------------------------
run 0 show study
says 'study/split-synthetic-finetune-s1.mneme'
says ' ± '
run 0 show study --json
says '"groups"'
run 0 compare study
says 'finetune - er'
says 'verdict'
says 'could see'
says '6 comparisons: p and verdict are'
says 'few pairs'
run 0 compare study --scope class-il --metric accuracy_micro,forgetting --within 200
says '2 comparisons'
says 'class-il accuracy_micro'
says '; within 200'
does_not_say 'task-il'
refused 2 "'accuracy_macro'; did you mean 'accuracy_micro'?" compare study --metric accuracy_macro
refused 2 "--within: '-1' is not a number above 0" compare study --within -1
refused 2 'is not class-il, task-il or domain-il' compare study --scope task
run 0 compare study --json
says '"average_accuracy"'
says '"p_corrected"'
does_not_say 'incremental_accuracy_micro' # tasks of equal size: the same number
does_not_say 'intransigence'
run 0 run split-synthetic joint --seeds 2 --out joint --quiet
run 0 compare study joint --scope class-il
says 'class-il intransigence'
says 'joint - finetune'
run 0 show study joint
says 'joint training minus the strategy'
run 0 show study joint --json
says '"intransigence"'
for method in er finetune; do
    run 0 run uneven-synthetic $method --seeds 2 --out uneven --quiet
done
run 0 compare uneven
says 'class-il incremental_accuracy_micro'
says 'class-il accuracy_micro'
refused 2 'only runs of er' compare study/split-synthetic-er-s?.mneme
refused 2 'are the same run' compare study study/split-synthetic-er-s0.mneme
run 0 run split-synthetic derpp --buffer-size 20 --quiet --out small.mneme
refused 2 'train.buffer_size=60' compare study/split-synthetic-er-s0.mneme small.mneme
run 0 compare study/split-synthetic-er-s0.mneme small.mneme --force
says 'derpp - er'
run 0 buffer small.mneme
says '20 exemplars'
says 'newest seen'
run 0 buffer small.mneme --json
says '"column_bytes"'
run 0 export small.mneme --format csv
says 'benchmark,strategy,seed,scope,step,after_task,on_task,'
says 'split-synthetic,derpp,0,class-il,'
run 0 export small.mneme --format json
says '"accuracy"'
refused 2 'is not csv, json or safetensors' export small.mneme --format xml
refused 2 'needs --format' export small.mneme
refused 2 'redirect' export small.mneme --format csv -o small.csv
run 0 export small.mneme --copy copy.mneme
run 0 show copy.mneme
refused 2 'copy.mneme exists' export small.mneme --copy copy.mneme
refused 2 'without --format' export small.mneme --copy other.mneme --format csv
run 0 export small.mneme --format safetensors
is_there small.safetensors
refused 2 'small.safetensors exists' export small.mneme --format safetensors
run 0 export small.mneme --format safetensors -o again.safetensors
cmp small.safetensors again.safetensors || fail 'two exports of one run differ'
run 0 run split-synthetic joint --init small.safetensors --no-init-head --batch 100 --quiet
refused 1 'misshapen fc1.weight' run split-synthetic er --init small.safetensors \
    --set network.widths=7,50 -q -o no.mneme
refused 2 'nothing.safetensors' run split-synthetic er --init nothing.safetensors -q

# --- figures --------------------------------------------------------------------------------------
if command -v gnuplot >/dev/null; then
    for figure in curves.svg curves.png curves.pdf; do
        run 0 plot study -o $figure
        is_there $figure
    done
    run 0 plot study
    says 'tasks learned'
    run 0 show small.mneme --plot
    says 'on task 3'
    checks=$((checks + 1))
    compgen -G '*.part' >/dev/null && fail 'a figure left its temporary file'
fi
refused 2 '.svg, .png or .pdf' plot study -o curves.gif
refused 1 'cannot be written' plot study -o nowhere/curves.svg
refused 1 'no run has measured domain-il' plot study --scope domain-il
refused 2 "'all' is not" plot study --scope all
search=/nonexistent refused 1 'apt-get install gnuplot-nox' plot study -o missing.svg
is_not_there missing.svg

# --- threads --------------------------------------------------------------------------------------
# The libraries start no threads, and the program is free to use all cores: looked at while it waits
# for room in a full pipe that nobody reads.
mkfifo full
exec 9<>full
dd if=/dev/zero bs=4096 count=16 status=none >&9
"$program" list benchmarks >&9 &
process=$!
until grep -q 'State:.S' "/proc/$process/status"; do :; done
checks=$((checks + 2))
[ "$(find "/proc/$process/task" -mindepth 1 -maxdepth 1 | wc -l)" -eq 1 ] ||
    fail 'a library has started threads'
[ "$(grep Cpus_allowed: /proc/$process/status)" = "$(grep Cpus_allowed: /proc/$$/status)" ] ||
    fail 'the program is not free to use all cores'
kill "$process"
wait "$process"
exec 9>&-
rm full

# --- what is no file ------------------------------------------------------------------------------
mkfifo pipe.json pipe.csv
mkdir folder.json
for what in ./pipe.json ./folder.json /dev/zero; do
    refused 2 'expected a file' run "$what" er
    refused 2 'expected a file' data check "$what"
done
for what in pipe.csv /dev/zero; do
    printf '{"dataset": {"name": "csv", "path": "%s"}}' "$what" >of_pipe.json
    refused 2 'expected a file' data check ./of_pipe.json
done
rm -r pipe.json pipe.csv folder.json of_pipe.json

# --- any size, and packed -------------------------------------------------------------------------
mkdir -p pets/a pets/b
run 0 data show split-synthetic -o sheet.png
for i in 1 2 3; do
    cp sheet.png "pets/a/$i.png"
    cp sheet.png "pets/b/$i.png"
done
echo '{"dataset": {"name": "folder", "path": "pets", "size": [8, 12]}, "stream": {"tasks": 2}}' >pets.json
run 0 data check pets --set dataset.size=8,12
says 'image     3x8x12'
run 0 data check ./pets.json --set dataset.decode=when_needed
grep digest out >as_needed
run 0 data pack ./pets.json -o pets.safetensors
run 0 data check ./pets.json --set dataset.packed=pets.safetensors
checks=$((checks + 1))
grep digest out | cmp -s - as_needed || fail 'packed data have another digest'
run 0 data check synthetic --set dataset.train_per_class=3
says 'training  30, 3 of each class'
refused 2 'was packed with size=8,12, but dataset.size is 9' data check ./pets.json \
    --set dataset.size=9 --set dataset.packed=pets.safetensors
refused 2 'say with -o which file to write' data pack pets
refused 2 'only dataset.KEY=VALUE can be set' data pack pets --set lr=1 -o none.safetensors
refused 2 "did you mean 'size'?" data pack pets --set dataset.sise=8 -o none.safetensors
refused 2 "no benchmark is called 'nowhere'" data pack nowhere -o none.safetensors
printf 'GIF89a' >pets/b/2.png
refused 1 'pets/b/2.png: is neither PNG nor JPEG' data pack pets --set dataset.size=8 -o none.safetensors
is_not_there none.safetensors
is_not_there none.safetensors.part
rm -r pets pets.json pets.safetensors

# --- a new strategy -------------------------------------------------------------------------------
run 0 new strategy my_idea
for file in my_idea.c meson.build test.sh; do
    is_there my_idea/$file
done
checks=$((checks + 1))
grep -q '@' my_idea/* && fail 'a placeholder is left in the new strategy'
refused 2 "already is a 'my_idea'" new strategy my_idea
refused 2 'cannot be a name' new strategy 'My idea'
refused 2 'cannot be a name' new strategy ../elsewhere
refused 2 "already has a strategy 'er'" new strategy er
refused 2 'mneme new strategy NAME' new kernel mine
for kind in policy network dataset; do
    run 0 new $kind my_$kind
    run 0 build my_$kind/my_$kind.c -o my_$kind.so
    run 0 help ./my_$kind.so
done
run 0 run split-synthetic er --buffer-policy ./my_policy.so --out policy.mneme --quiet
run 0 run split-synthetic er --set network.name=./my_network.so --out network.mneme --quiet
run 0 run split-synthetic er --set dataset.name=./my_dataset.so --out dataset.mneme --quiet
run 0 new benchmark my_benchmark
run 0 data check ./my_benchmark.json
refused 2 "already is a 'my_benchmark.json'" new benchmark my_benchmark
refused 2 'is no C source' build my_benchmark.json
run 0 help DER++
run 0 help forgetting
run 0 help class-il
again='--set stream.scenario=class-repetition --set stream.task_classes=0,1;0,2;3,4,5'
run 0 run split-synthetic er $again --quiet -o again.mneme
says 'class-il accuracy'
refused 1 'some classes come again in later tasks' run split-synthetic hal $again -o none.mneme
is_not_there none.mneme
run 0 list strategies --needs
refused 2 'is for --needs' list strategies --format csv
# As the tutorial says, but for where mneme is installed: its own build and test, then a run.
checks=$((checks + 1))
export PKG_CONFIG_PATH=$library/meson-uninstalled PATH=${program%/*}:$PATH
export CFLAGS="-I$root/src/include -I$library/src/include"
if (meson setup my_idea/build my_idea "-Dwerror=${MNEME_WERROR:-false}" &&
    meson test -C my_idea/build) >out 2>err; then
    run 0 run split-synthetic ./my_idea/build/my_idea.so --quiet --out idea.mneme
    says 'split-synthetic, my_idea, seed 0: finished'
    run 0 help ./my_idea/build/my_idea.so
    says 'my_idea.weight'
    run 0 show idea.mneme
    # Another build of a plugin is another plugin.
    cp my_idea/build/my_idea.so one.so
    run 0 run split-synthetic ./one.so --seeds 1 --out ideas
    run 0 run split-synthetic ./one.so --seeds 1 --out ideas
    printf 'x' >>one.so
    run 1 run split-synthetic ./one.so --seeds 1 --out ideas
    checks=$((checks + 1))
    grep -q 'it has made.plugins=my_idea' err || fail 'another build of a plugin is taken for the same'
    run 0 run split-synthetic ./one.so --seed 1 -q --out ideas/another.mneme
    run 0 show ideas
    says 'my_idea (plugins=my_idea '
else
    fail 'the new strategy does not build, or its test fails'
fi

echo "$checks checks, $failures failures"
[ $failures -eq 0 ]
