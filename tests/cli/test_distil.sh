#!/usr/bin/env bash
# test_distil.sh PROGRAM ROOT LIBRARY-FOLDER -- mneme distil: teachers from run files and from
# safetensors, its losses, and what takes a student's run file as any other.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

one=(--set stream.tasks=1 --set dataset.train_per_class=40 --quiet)
small=(--set dataset.train_per_class=40 --set network.widths=10 --quiet)

for seed in 0 1; do
    run 0 run split-synthetic finetune "${one[@]}" --seed $seed -o t$seed.mneme
done

# --- mistakes -------------------------------------------------------------------------------------
run 0 distil --help
says 'usage: mneme distil'
says '--teacher FILE'
refused 2 'distil needs --teacher FILE' distil split-synthetic
refused 2 "--loss: 'kl' is none of both, kd, crd and ce" \
    distil split-synthetic --teacher t0.mneme --loss kl
refused 2 'none.mneme: No such file' distil split-synthetic --teacher none.mneme -q
refused 2 'distil needs BENCHMARK' distil --teacher t0.mneme
refused 2 'more than 5 files' distil split-synthetic --teacher t0.mneme --teacher t0.mneme \
    --teacher t0.mneme --teacher t0.mneme --teacher t0.mneme --teacher t0.mneme

# --- losses ---------------------------------------------------------------------------------------
terms() {
    sqlite3 "$1" "SELECT group_concat(name) FROM (SELECT DISTINCT name FROM scalar
        WHERE phase = 'train' ORDER BY name)" >out
}
for loss in ce kd crd both; do
    run 0 distil split-synthetic --teacher t0.mneme --loss $loss "${small[@]}" -o $loss.mneme
    says 'retrieval'
    says 'teacher/network'
    terms $loss.mneme
    says labels
    case $loss in
    ce) does_not_say teacher; does_not_say crd ;;
    kd) says teacher; does_not_say crd ;;
    crd) does_not_say teacher; says crd/crd ;;
    both) says teacher; says crd/crd ;;
    esac
done
# What is typed goes before what the command stands for.
run 0 distil split-synthetic --teacher t0.mneme --set stream.tasks=2 --set distil.kd=0.5 --dry-run
says '"tasks":	2'
says '"kd":	0.5'
says '"strategy":	"distil+crd"'

# --- several teachers, and a teacher for each seed --------------------------------------------------
run 0 distil split-synthetic --teacher t0.mneme --teacher t1.mneme "${small[@]}" -o two.mneme
says 'teacher/network 2'
run 0 distil split-synthetic --teacher 't{seed}.mneme' --seeds 2 "${small[@]}" --out students
sqlite3 "students/split-synthetic-distil+crd-s1.mneme" \
    "SELECT json_extract(value, '\$.train.teacher') FROM run WHERE key = 'config'" >out
says '/t{seed}.mneme'
weights() {
    sqlite3 "$1" "SELECT hex(data) FROM tensor WHERE role = 'weight' AND owner = '$2' ORDER BY name"
}
checks=$((checks + 1))
[ "$(weights t1.mneme run)" = "$(weights 'students/split-synthetic-distil+crd-s1.mneme' teacher)" ] ||
    fail 'the second student had not the second teacher'
# They differ by their seed alone.
run 0 show students --format csv
says 'distil+crd,2,'

# --- a teacher whose weights were exported ----------------------------------------------------------
run 0 export t0.mneme --format safetensors -o t0.safetensors
refused 2 'set teacher_network to' distil split-synthetic --teacher t0.safetensors "${small[@]}"
run 0 distil split-synthetic --teacher t0.safetensors \
    --teacher-network '{"name": "mlp", "widths": "50,50"}' "${small[@]}" -o weights.mneme
for file in both weights; do
    sqlite3 $file.mneme "SELECT hex(data) FROM tensor WHERE role = 'weight' ORDER BY name" >$file
done
checks=$((checks + 1))
cmp -s both weights || fail 'the same weights from another kind of file teach something else'

# --- a student is a run ---------------------------------------------------------------------------
run 0 distil split-synthetic --teacher t0.mneme --sees half "${small[@]}" -o half.mneme
refused 2 'these images are grey already' distil split-synthetic --teacher t0.mneme --sees grey "${small[@]}" -o grey.mneme
run 0 show half.mneme ce.mneme
run 0 compare ce.mneme kd.mneme --metric retrieval --scope class-il
run 0 eval half.mneme split-synthetic
run 0 export half.mneme --format safetensors -o half.safetensors
is_there half.safetensors
run 0 distil split-synthetic --teacher both.mneme "${small[@]}" -o grandchild.mneme
run 0 distil split-synthetic --teacher t0.mneme "${small[@]}" --overwrite -o both.mneme
# Another teacher is another study.
run 1 distil split-synthetic --teacher t1.mneme --seeds 1 "${small[@]}" --out students
grep -q 'is of another study: it has train.teacher_digest=' err || fail 'another teacher was not noticed'

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
