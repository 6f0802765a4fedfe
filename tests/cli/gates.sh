#!/usr/bin/env bash
# gates.sh PROGRAM ROOT BUILD MANIFEST [SEEDS [STRATEGY...]] -- that a study's expectations of "method -
# finetune" can fail.  The manifest is run as it is and must hold; then each method in it is broken on
# purpose (its term taken away, its sign turned, nothing remembered), built as a plugin, put in the
# method's place, and each such expectation must stop being met.
set -uo pipefail
program=$(realpath "$1")
root=$(realpath "$2")
build=$(realpath "$3")
manifest=$(realpath "$4")
seeds=${5:+--seeds $5}
chosen=${6:+ ${*:6} }
export LC_ALL=C.UTF-8 OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp "$root"/benchmarks/*.json "$work"
cp "$manifest" "$work/study.json"
export MNEME_BENCHMARKS=$work MNEME_DATA=${MNEME_DATA:-$root/../shared/data}
cd "$work" || exit 1

# STRATEGY | WHAT IS BROKEN | the change, for sed
broken() {
    cat <<'END'
ewc|no pull|s/(float)(2 \* o->lambda)/0/
ewc|pushes away|s/(float)(2 \* o->lambda)/(float)(-2 * o->lambda)/
si|no pull|s/(float)(2 \* o->c)/0/
si|pushes away|s/(float)(2 \* o->c)/(float)(-2 * o->c)/
lwf|no distillation|s/mn_scale(mn_mean(kept), -1)/mn_scale(mn_mean(kept), 0)/
lwf|forgets on purpose|s/mn_scale(mn_mean(kept), -1)/mn_scale(mn_mean(kept), 1)/
er|remembers nothing|s/return mn_remember(.*/return MN_OK;/
er-ace|no replay|s/mn_term(learner, "replay", 1/mn_term(learner, "replay", 0/
er-ace|unlearns what it replays|s/mn_term(learner, "replay", 1/mn_term(learner, "replay", -1/
der|no replay|s/mn_term(learner, "dark", o->alpha/mn_term(learner, "dark", 0/
der|unlearns what it replays|s/mn_term(learner, "dark", o->alpha/mn_term(learner, "dark", -o->alpha/
derpp|remembers nothing|s/return mn_remember(.*/return MN_OK;/
derpp|unlearns what it replays|s/"replay", o->beta/"replay", -o->beta/; s/"dark", o->alpha/"dark", -o->alpha/
fdr|no distance|s/"distance", o->alpha/"distance", 0/
fdr|drives apart|s/"distance", o->alpha/"distance", -o->alpha/
agem|never projects|s/return mn_agem_project(.*/return MN_OK;/
agem-r|never projects|s/return mn_agem_project(.*/return MN_OK;/
gss|remembers nothing|s/return mn_remember(.*/return MN_OK;/
gss|unlearns what it replays|s/mn_term(learner, term, 1/mn_term(learner, term, strcmp(term, "replay") == 0 ? -1 : 1/; s/#include <mneme.strategy.h>/&\n#include <string.h>/
hal|remembers nothing|s/return mn_remember(.*/return MN_OK;/
icarl|answers with the farthest mean|s/mn_scale(products, 2), -2/mn_scale(products, -2), -2/
bic|learns no labels|s/"labels", 1 - weight/"labels", 0/
lucir|learns no labels|s/mn_term(learner, "labels", 1/mn_term(learner, "labels", 0/; s/mn_term(learner, "balance", 1/mn_term(learner, "balance", 0/
gdumb|fits nothing|s/"fit", 1/"fit", 0/; s/"fit", 0 - pasted/"fit", 0/; s/"pasted", pasted/"pasted", 0/
xder|no replay|s/"dark", o->alpha/"dark", 0/; s/"replay", o->beta/"replay", 0/
xder-ce|no replay|s/"dark", o->alpha/"dark", 0/; s/"replay", o->beta/"replay", 0/
xder-rpc|no replay|s/"dark", o->alpha/"dark", 0/; s/"replay", o->beta/"replay", 0/
gem|never projects|s/if (!disagrees)/if (true)/
gem|projects the wrong way|s/(float)(q.w\[i\] + o->gamma)/-&/
END
}

names() { # STRATEGY: its arms, with what they are measured against, as --arms wants them
    tr -d '\n' <study.json | sed 's/{"benchmark"/\n&/g' | grep "\"strategy\": \"$1\"" |
        sed -n 's/.*"name": "\([^"]*\)".*"minus": "\(finetune[^"]*\)".*/\1,\2/p' | sort -u | paste -sd,
}

# shellcheck disable=SC2086 # $seeds is two words or none
sweep() { # ARMS: what the table says of "method - finetune" goes to found
    "$program" sweep study.json $seeds --quiet --out runs --arms "$1" >out 2>err </dev/null
    grep ' - finetune' out | grep -v ' -$' >found # without a range there is nothing to fail
}

fails=0 gates=0
fail() {
    fails=$((fails + 1))
    echo "FAILED: $*"
    sed 's/^/    /' found err
}

compile() { # STRATEGY CHANGE: the plugin 'broken', for which the benchmarks have the same recipes
    local id=${1//-/_} file
    local parts=("$root/strategies/$id.c")
    for family in agem xder; do # their terms are in a file that several strategies share
        grep -q "strategies/shared/$family.h" "${parts[0]}" &&
            parts+=("$root/strategies/shared/$family.c")
    done
    cat "${parts[@]}" | sed "$2" | cmp -s - <(cat "${parts[@]}") &&
        { echo "$1: nothing is changed by $2"; return 1; }
    mkdir -p broken
    for file in "${parts[@]}"; do
        sed "$2; s/\.name = \"$1\"/.name = \"broken\"/; s/MN_STRATEGY($id)/MN_STRATEGY(broken)/" \
            "$file" >"broken/$(basename "$(dirname "$file")")-$id.c"
    done
    ${CC:-cc} -std=c11 -O1 -shared -fPIC -DMN_PLUGIN -I"$root" -I"$root/src/include" -I"$build/src/include" \
        broken/*-"$id.c" -o broken.so 2>err
}

previous=
while IFS='|' read -r strategy what change; do
    case $chosen in '' | *" $strategy "*) ;; *) continue ;; esac
    arms=$(names "$strategy")
    [ -n "$arms" ] || continue
    if [ "$strategy" != "$previous" ]; then
        previous=$strategy
        cp "$manifest" study.json
        cp "$root"/benchmarks/*.json .
        sweep "$arms"
        gates=$((gates + $(wc -l <found)))
        printf '%-8s %-26s %s\n' "$strategy" 'as it is' "$(sed 's/.*\]: //' found | paste -sd, | sed 's/,/, /g')"
        [ -s found ] && ! grep -qv ': yes$' found || fail "$strategy as it is does not meet what is expected"
    fi
    if ! compile "$strategy" "$change"; then
        fail "$strategy, $what: does not compile"
        continue
    fi
    for file in *.json; do
        sed -i "s/\"strategy\": \"$strategy\"/\"strategy\": \"broken\"/g; s/\"$strategy\.\([a-z]\)/\"broken.\1/g" "$file"
    done
    sed -i 's/"strategy": "broken"/"strategy": ".\/broken.so"/' study.json
    for name in ${arms//,/ }; do
        case $name in finetune*) ;; *) rm -rf runs/*-"$name" ;; esac
    done
    sweep "$arms"
    printf '%-8s %-26s %s\n' "$strategy" "$what" "$(sed 's/  */ /g; s/.*finetune[^ ]* //' found | paste -sd';')"
    [ -s found ] && ! grep -q ': yes$' found || fail "$strategy, $what: the expectation is met all the same"
    for file in *.json; do
        sed -i "s/\"strategy\": \"\(broken\|.\/broken.so\)\"/\"strategy\": \"$strategy\"/g; s/\"broken\.\([a-z]\)/\"$strategy.\1/g" "$file"
    done
done < <(broken)
echo "$gates expectations, $fails failures"
[ "$gates" -gt 0 ] && [ "$fails" -eq 0 ]
