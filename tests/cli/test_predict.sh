#!/usr/bin/env bash
# test_predict.sh PROGRAM ROOT LIBRARY-FOLDER -- what was trained is used: images of one's own, and
# test images of other data; and runs are planned, begun anew and counted.
set -uo pipefail
. "$(dirname "$0")/checks.sh"

run 0 run split-synthetic er --quiet -o er.mneme
run 0 export er.mneme --format json
micro=$(sed -n 's/.*"accuracy_micro":\t\([0-9.]*\).*/\1/p' out | head -n 1 | cut -c 1-9)
run 0 eval er.mneme split-synthetic --format csv
says "all,,$(sed -n 's/^all,,\([0-9]*\),.*/\1/p' out),$micro"
says 'class,task,images,accuracy'
run 0 eval er.mneme split-synthetic --set dataset.classes=8
says 'images are of classes that the run has not seen, and do not count'
refused 2 "did you mean 'split-synthetic'?" eval er.mneme split-syntetic
refused 1 'dataset.size makes others of them' eval er.mneme split-synthetic --set dataset.size=8
refused 1 'nothing.mneme' predict nothing.mneme x.png
refused 2 'predict needs a FILE and IMAGES' predict er.mneme
refused 1 'is neither PNG nor JPEG' predict er.mneme er.mneme
refused 1 'no image (.png, .jpg, .jpeg, .npy) is in this folder' predict er.mneme "$root/docs/methods"
refused 2 '--top' predict er.mneme x.png --top 0
run 0 run split-synthetic er --codec resize:7 --codec-consumption native --quiet -o native.mneme
run 0 run split-synthetic ncm --codec project:16 --codec-consumption native --quiet -o project.mneme
run 0 buffer er.mneme --sheet sheet.png # a picture of another size
for form in native project; do # images from elsewhere take the codec's form, as the test's did
    run 0 export $form.mneme --format json
    micro=$(sed -n 's/.*"accuracy_micro":\t\([0-9.]*\).*/\1/p' out | head -n 1 | cut -c 1-9)
    run 0 eval $form.mneme split-synthetic --format csv
    says "all,,300,$micro"
    run 0 predict $form.mneme sheet.png --csv
    says 'image,class,probability,task'
done
refused 1 'dataset.size makes others of them' eval native.mneme split-synthetic --set dataset.size=8
run 0 run split-synthetic ncm --set features.network=mlp --set features.cache=cache --quiet -o features.mneme
refused 1 'has learned from the features that another makes' predict features.mneme sheet.png
refused 2 'has learned from the features that another makes' eval features.mneme split-synthetic
run 0 predict er.mneme sheet.png --top 3
says 'image      rank  class'
checks=$((checks + 1))
[ "$(wc -l <out)" -eq 4 ] || fail 'not the three most probable classes'
mkdir -p photos/deeper
cp sheet.png photos/b.png
cp sheet.png photos/deeper/a.PNG
cp er.mneme photos/notes.txt
run 0 predict er.mneme photos --csv
says 'image,class,probability,task'
says 'photos/b.png,'
says 'photos/deeper/a.PNG,'
does_not_say 'notes'
run 0 predict er.mneme sheet.png --format json
says '"probability":	0.'
run 0 run split-synthetic icarl --quiet -o icarl.mneme # which answers by nearest means
run 0 export icarl.mneme --format json
micro=$(sed -n 's/.*"accuracy_micro":\t\([0-9.]*\).*/\1/p' out | head -n 1 | cut -c 1-9)
run 0 eval icarl.mneme split-synthetic --format csv
says ",$micro"

# What would be run, a run begun anew, and what a sweep says while it runs.
run 0 run split-synthetic er --lr 0.3 --dry-run -o er.mneme
says '"lr":	0.3,'
says '"buffer_size":	60,'
grep -q 'nothing is run; the run would be written to er.mneme, which is there' err ||
    fail 'it is not said that nothing is run'
refused 2 'leave --seeds out' run split-synthetic er --dry-run --seeds 2
refused 2 'or replace it with --overwrite' run split-synthetic er --lr 0.3 -q -o er.mneme
run 0 run split-synthetic er --lr 0.3 -q --overwrite -o er.mneme
says 'lr=0.3'
refused 1 '--overwrite replaces run files alone' run split-synthetic er --overwrite -q -o photos/b.png
run 0 run split-synthetic er --seeds 2 -q --out seeds
run 0 run split-synthetic er --seeds 2 -q --out seeds --lr 0.3 --overwrite
echo '{"name": "two", "arms": [{"benchmark": "split-synthetic", "strategy": "er"},
  {"benchmark": "split-synthetic", "strategy": "finetune"}]}' >two.json
run 0 sweep two.json
grep -q '^arm 2 of 2: finetune on split-synthetic$' err || fail 'the sweep does not count its arms'
run 0 sweep two.json --quiet
checks=$((checks + 1))
[ ! -s err ] || fail 'a quiet sweep counts its arms'

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
