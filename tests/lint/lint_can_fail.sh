#!/bin/sh
# lint_can_fail.sh ROOT BUILD -- plants one fault at a time in a copy of the sources and sees that
# floors.sh, headers.sh, abi.sh, format.sh and studies.sh each notice.
set -eu
root=$1
build=$2
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
status=0
planted=0

fresh() {
    rm -rf "$copy/tree"
    mkdir "$copy/tree"
    (cd "$root" && cp -R src buffers networks strategies .clang-format "$copy/tree" &&
        mkdir -p "$copy/tree/tests/lint" && cp tests/lint/abi.c "$copy/tree/tests/lint")
}

# expect TEXT COMMAND...: the command fails and says TEXT, or cannot judge on this machine (77).
expect() {
    text=$1
    shift
    planted=$((planted + 1))
    exited=0
    "$@" >"$copy/said" 2>&1 || exited=$?
    if [ $exited -eq 0 ]; then
        echo "not noticed: $fault"
        status=1
    elif [ $exited -eq 77 ]; then
        planted=$((planted - 1))
        echo "not planted: $fault: $(tail -n 1 "$copy/said")"
    elif ! grep -qF -- "$text" "$copy/said"; then
        echo "noticed, but not as '$text': $fault"
        cat "$copy/said"
        status=1
    fi
}

# plant FILE LINE: puts a line at the top of a file of the copy.
plant() {
    fresh
    fault="$2 in $1"
    { printf '%s\n' "$2"; [ ! -f "$copy/tree/$1" ] || cat "$copy/tree/$1"; } >"$copy/new"
    cp "$copy/new" "$copy/tree/$1"
}

floors() {
    plant "$1" "#include $2"
    expect "$1:1:" sh "$root/tests/lint/floors.sh" "$copy/tree"
}

floors src/base/status.c '"tensor/tensor.h"'
floors src/base/status.c '<mneme/tensor.h>'
floors src/tensor/tensor.c '<mneme/autograd.h>'
floors src/tensor/tensor.h '"data/batch.h"'
floors src/autograd/tape.c '<mneme/data.h>'
floors src/autograd/tape.c '"store/runfile.h"'
floors src/nn/network.c '<mneme/data.h>'
floors src/nn/network.c '<cblas.h>'
floors src/data/stream/loader.c '<mneme/autograd.h>'
floors src/data/stream/loader.c '<sqlite3.h>'
floors src/store/exemplars.c '<mneme/data.h>'
floors src/data/stream/batch.h '<cjson/cJSON.h>'
floors buffers/ring.c '<mneme/network.h>'
floors src/buffer/storage.h '"nn/optimiser.h"'
floors strategies/er.c '<stdio.h>'
floors strategies/er.c '<stdlib.h>'
floors strategies/er.c '"base/options.h"'
floors strategies/er.c '<mneme/memory.h>'
floors networks/mlp.c '<mneme/memory.h>'
floors strategies/er.c '"er.h"'
floors strategies/er.c '<mneme/run.h>'
floors src/run/runner.c '<oneapi/dnnl/dnnl.h>'
floors src/run/runner.c '"cli/cli.h"'
floors src/cli/main.c '"store/runfile.h"'
floors src/cli/main.c '<sqlite3.h>'
floors src/include/mneme/random.h '<mneme/tensor.h>'
floors src/include/mneme/tensor.h '<stdio.h>'
floors src/include/mneme/buffer.h '<mneme/strategy.h>'
floors src/include/mneme/unknown.h '<mneme/status.h>'

# rule FILE LINE TEXT: the line at the top of the file breaks a rule, and floors.sh says TEXT.
rule() {
    plant "$1" "$2"
    expect "$3" sh "$root/tests/lint/floors.sh" "$copy/tree"
}

rule src/nn/network.c '#include "tensor/cpu/conv.h"' 'only tensor includes the device'
rule src/experiment/checks.c '#include "learner/learner.h"' 'know the learner'
rule src/results/results.c '#include "run/phase.h"' 'src/results/results.c:1:'
rule src/results/results.c '#include "learner/learner.h"' 'src/results/results.c:1:'
rule buffers/ring.c '#include "buffer/storage.h"' 'buffers/ring.c:1:'
rule src/run/step.h 'mn_status mn_evaluate_next(void);' 'a source has a header of its own'
rule src/run/step.h '/* phase.c: the rest of it */' 'this names the file'
plant src/run/step.c 'int *x = malloc(4);
char *x = strdup("x");
void f(void *x) { free(x); }
void (*f)(void *) = free;
int n = asprintf(&x, "y"); /* z */
char *x = realpath(y, NULL);
/* a */ FILE *x = open_memstream(&y, &n);'
sh "$root/tests/lint/floors.sh" "$copy/tree" >"$copy/floors" || true
for line in 1 2 3 4 5 6 7; do
    expect "src/run/step.c:$line: takes or gives memory past" \
        sh -c "grep 'memory past' '$copy/floors' && exit 1"
done
long=$(yes '/* a line */' | head -n 601)
rule src/base/clock.c "$long" 'a source has at most 600'
rule src/base/clock.h "$long" 'a header has at most 200'
rule src/run/step.c "$(echo "$long" | head -n 300)" 'src/run: '
fresh
fault='two files of a room that include each other'
sed -i '1i #include "run/step.h"' "$copy/tree/src/run/progress.h"
sed -i '1i #include "run/progress.h"' "$copy/tree/src/run/step.h"
expect 'files of run: ' sh "$root/tests/lint/floors.sh" "$copy/tree"
fresh
fault='two rooms that include each other'
sed -i '1i #include "autograd/ops/nothing.h"' "$copy/tree/src/autograd/tape.c"
expect 'rooms: autograd autograd/ops' sh "$root/tests/lint/floors.sh" "$copy/tree"

# A strategy may compile and still call what it should not.
fresh
mkdir "$copy/objects"
cat >"$copy/calls.c" <<'END'
extern int printf(const char *, ...);
extern int mn_buffer_offer(void *, const void *);
extern void *mn_draw(void *, const char *, long);
extern double exp(double);
int strange(void *x, double y);
int strange(void *x, double y)
{
    return printf("%g", exp(y)) + mn_buffer_offer(x, mn_draw(x, "", 1));
}
END
cc -fno-builtin -c "$copy/calls.c" -o "$copy/objects/strategies_strange.c.o"
ar rc "$copy/strange.a" "$copy/objects/strategies_strange.c.o"
fault='a strategy that calls printf and a function of the inside'
for symbol in printf mn_buffer_offer; do
    expect "strategies/strange.c: calls $symbol," \
        sh "$root/tests/lint/floors.sh" "$copy/tree" "$copy/strange.a"
done
if grep -qE 'calls (exp|mn_draw)' "$copy/said"; then
    echo 'floors.sh refuses what a strategy may call:'
    cat "$copy/said"
    status=1
fi

headers() {
    expect "$1" sh "$root/tests/lint/headers.sh" "$copy/tree" "$build" "$2"
}

plant src/include/mneme/status.h 'typedef int class;'
headers 'mneme/status.h does not compile alone as C++17' status.h
plant src/include/mneme/status.h 'enum { MN_TWICE };'
headers 'mneme/status.h does not compile alone as C11' status.h
plant src/include/mneme/status.h '#include <sqlite3.h>'
headers 'library' status.h
fresh
fault='a header that needs another before it'
sed '/#include <stdint.h>/d; /#include <mneme/d' "$root/src/include/mneme/random.h" \
    >"$copy/tree/src/include/mneme/random.h"
headers 'mneme/random.h does not compile alone as C11' random.h
plant src/include/mneme/new.h '#include <mneme/status.h>'
headers 'mneme/new.h is not installed' new.h

# change FILE WHAT FROM TO: replaces text in a header of the copy.
change() {
    fresh
    fault=$2
    sed "s/$3/$4/" "$root/src/include/mneme/$1" >"$copy/tree/src/include/mneme/$1"
}

abi_compiles() {
    cc -std=c11 -fsyntax-only -I"$copy/tree/src/include" -I"$build/src/include" \
        "$copy/tree/tests/lint/abi.c"
}

change strategy.h 'a member that fits into padding' 'bool as_trained;' 'bool as_trained, hidden;'
expect 'mn_phase.hidden has no line' sh "$root/tests/lint/abi.sh" "$copy/tree"
change strategy.h 'a flag without a line' 'MN_NEEDS_BUFFER = 1 << 0,' '&MN_NEEDS_LUCK = 1 << 20,'
expect 'MN_NEEDS_LUCK has no line' sh "$root/tests/lint/abi.sh" "$copy/tree"
change network.h 'a struct without a line' 'typedef struct mn_map mn_map;' \
    '&typedef struct mn_new { int x; } mn_new;'
expect 'mn_new has no line' sh "$root/tests/lint/abi.sh" "$copy/tree"
change data.h 'a member that is gone' 'void \*memory;' ''
expect 'mn_dataset.memory is in tests/lint/abi.c, but in no header' \
    sh "$root/tests/lint/abi.sh" "$copy/tree"
change registry.h 'a number that was raised alone' 'STRATEGY_ABI [0-9]*u' 'STRATEGY_ABI 77u'
expect 'an ABI number was raised' abi_compiles
change strategy.h 'a constant with another value' 'MN_FROM_SEEN,' 'MN_FROM_SEEN = 9,'
expect 'MN_FROM_SEEN has another value: raise MN_STRATEGY_ABI' abi_compiles
if echo '#if defined __x86_64__ && defined __LP64__
yes
#endif' | cc -E -P - | grep -q yes; then
    change option.h 'a struct that has grown' 'bool changes_no_result;' '&int64_t more;'
    expect 'mn_option has another size: raise MN_STRATEGY_ABI, MN_POLICY_ABI' abi_compiles
    change data.h 'a member that has moved' 'int64_t stream_rows;' 'int32_t stream_rows;'
    expect 'mn_batch.stream_rows has moved: raise MN_STRATEGY_ABI and MN_POLICY_ABI' abi_compiles
fi

plant src/base/status.c 'static int   crooked ;'
expect 'status.c:1:' sh "$root/tests/lint/format.sh" "$copy/tree"

# study FAULT SED TEXT: a change in a manifest.
study() {
    fault=$1
    mkdir -p "$copy/tree/benchmarks/studies"
    sed "$2" "$root/benchmarks/studies/gates-synthetic.json" >"$copy/tree/benchmarks/studies/one.json"
    expect "$3" sh "$root/tests/lint/studies.sh" "$copy/tree"
}
study 'a range without a source' 's/"source"/"notes"/' 'er: a range without a source'
study 'a mean with one end' '/"name": "er"/,/expect/s/"minus": "finetune", "from": 15, //' 'er: a mean with one end'

echo "$planted faults planted"
exit $status
