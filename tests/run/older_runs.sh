#!/usr/bin/env bash
# older_runs.sh PROGRAM ROOT -- runs that older versions made, finished and unfinished, in
# tests/fixtures: this program shows them with the numbers of then, compares, draws and exports them,
# and resumes each to its end, twice with equal bits.
set -uo pipefail
program=$(realpath "$1")
root=$(realpath "$2")
export MNEME_BENCHMARKS=$root/benchmarks LC_ALL=C.UTF-8 OMP_NUM_THREADS=1
unset MNEME_DATA NO_COLOR
command -v sqlite3 >/dev/null || { echo "no sqlite3: skipped"; exit 77; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export HOME=$work
checks=0 failures=0

fail() {
    failures=$((failures + 1))
    echo "FAILED: $fixture: $*"
    sed 's/^/    err: /' "$work/err" | head -n 5
}

# run ARGUMENT...: mneme succeeds; what it prints goes to $work/out.
run() {
    checks=$((checks + 1))
    timeout 200 "$program" "$@" >"$work/out" 2>"$work/err" </dev/null || fail "mneme $* ended with $?"
}

# status FILE: as 'mneme show' says it; $work/out has all that it says.
status() {
    "$program" show --json "$1" >"$work/out" 2>"$work/err"
    sqlite3 :memory: "SELECT json_extract(readfile('$work/out'), '$.runs[0].status')"
}

# holds NAME: every line of $work/expected is one of $work/found, and there is one.
holds() {
    checks=$((checks + 1))
    sort -o "$work/expected" "$work/expected"
    sort -o "$work/found" "$work/found"
    comm -23 "$work/expected" "$work/found" >"$work/missing"
    if [ ! -s "$work/expected" ] || [ -s "$work/missing" ]; then
        fail "$1: $(wc -l <"$work/missing") of $(wc -l <"$work/expected") lines are not found"
        head -n 5 "$work/missing"
    fi
}

# numbers JSON PATTERN: the numbers in it whose paths are LIKE the pattern.  The last digits of a
# mean depend on the library that makes it.
numbers() {
    sqlite3 -batch :memory: "SELECT fullkey, round(atom, 6) FROM json_tree(readfile('$1'))
        WHERE type IN ('integer', 'real') AND fullkey LIKE '$2'"
}

# evaluations CSV [SQL]: what 'mneme export' wrote, or SQL over its table e.
evaluations() {
    sqlite3 -batch :memory: ".import --csv '$1' e" "${2:-SELECT scope, step, after_task, on_task,
        round(accuracy, 6) FROM e}"
}

# same_evaluations NAME FILE: it has the evaluations that the older version exported.
same_evaluations() {
    run export "$2" --format csv
    evaluations "$fixture/$1.csv" >"$work/expected"
    evaluations "$work/out" >"$work/found"
    holds "evaluations of $2"
}

# complete FILE: finished, every task evaluated after itself and each later one.
complete() {
    local tasks=0 found
    if [ "$(status "$1")" = finished ]; then
        tasks=$(sqlite3 :memory: "SELECT json_extract(readfile('$work/out'), '$.runs[0].tasks')")
    fi
    run export "$1" --format csv
    found=$(evaluations "$work/out" "SELECT count(DISTINCT after_task || ' ' || on_task) FROM e
        WHERE scope = 'class-il' AND on_task BETWEEN 0 AND after_task")
    checks=$((checks + 1))
    if [ "$tasks" -eq 0 ] || [ "$((tasks * (tasks + 1) / 2))" -ne "$found" ]; then
        fail "$1: $tasks tasks finished, and $found evaluations of seen tasks"
    fi
}

# every_command NAME FILE: each command that reads a run.  Figures are drawn once, of finished runs.
every_command() {
    same_evaluations "$1" "$2"
    run show "$2"
    run buffer "$2"
    run export "$2" --format json
    run export "$2" --format safetensors --out weights.safetensors
    run export "$2" --copy copy.mneme
    cmp -s <("$root/scripts/digests" --file "$2") <("$root/scripts/digests" --file copy.mneme) ||
        fail "$2: its copy differs"
    rm copy.mneme
}

# ended NAME FILE: resumed to its end, twice: equal bits, and older evaluations stay.
ended() {
    local before=any once twice numerics
    if [ "$(status "$2")" = finished ]; then
        before=$("$root/scripts/digests" --file "$2")
    fi
    cp "$2" again.mneme
    run resume --quiet "$2"
    run resume --quiet again.mneme
    once=$("$root/scripts/digests" --file "$2")
    twice=$("$root/scripts/digests" --file again.mneme)
    checks=$((checks + 1))
    if [ -z "$once" ] || [ "$once" != "$twice" ]; then
        fail "$2: $once, resumed again: $twice"
    elif [ "$before" != any ] && [ "$before" != "$once" ]; then
        fail "$2: was finished with $before, resumed: $once"
    fi
    if [ "$before" = any ]; then
        checks=$((checks + 1))
        numerics=$(sqlite3 "$2" "SELECT value FROM run WHERE key = 'numerics'")
        [[ $numerics == '1 then '* ]] || fail "$2 went on under other numerics, and says $numerics"
    fi
    echo "$(basename "$2" .mneme): $once"
    rm again.mneme
    complete "$2"
    if [ "$before" = any ]; then # what was finished was read before
        every_command "$1" "$2"
    fi
    if command -v gnuplot >/dev/null; then
        run plot "$2" --out curves.svg
    fi
}

for fixture in "$root"/tests/fixtures/*/*/; do
    fixture=${fixture%/}
    mkdir "$work/here"
    cd "$work/here" || exit 1
    tar -xzf "$fixture/files.tar.gz"
    mapfile -t runs < <(find . -name '*.mneme' | sort)
    run show --json "${runs[@]}"
    numbers "$fixture/show.json" '$.runs%.accuracy.%' >"$work/expected"
    numbers "$work/out" '$.runs%.accuracy.%' >"$work/found"
    holds 'accuracies of show'
    numbers "$fixture/show.json" '%.metrics.%' >"$work/expected"
    numbers "$work/out" '%.metrics.%' >"$work/found"
    holds 'metrics of show'
    for file in "${runs[@]}"; do
        every_command "$(basename "$file" .mneme)" "$file"
    done
    if [ -e "$fixture/buffer.json" ]; then
        run buffer --json "${runs[0]}"
        numbers "$fixture/buffer.json" '%' >"$work/expected"
        numbers "$work/out" '%' >"$work/found"
        holds 'numbers of buffer'
        run buffer "${runs[0]}" --sheet sheet.png
    fi
    if [ -e "$fixture/compare.json" ]; then
        run compare --json "${runs[@]}"
        for what in n mean deviation; do # intervals were a bootstrap's then
            numbers "$fixture/compare.json" "%.$what"
        done >"$work/expected"
        for what in n mean deviation; do
            numbers "$work/out" "%.$what"
        done >"$work/found"
        holds 'numbers of compare'
    fi
    if [ -e "$fixture/probes.txt" ]; then
        run show "${runs[0]}"
        tr -s ' ' <"$fixture/probes.txt" >"$work/expected"
        tr -s ' ' <"$work/out" >"$work/found"
        holds 'probes of show'
    fi
    if [ -d sweep ]; then
        sha256sum "${runs[@]}" >"$work/before"
        # Other numbers than today's: shown, and not taken for runs of today's study.
        checks=$((checks + 1))
        if "$program" sweep sweep/study.json --out sweep/runs >"$work/out" 2>"$work/err"; then
            fail 'runs of other numerics are taken for those of a study'
        elif ! grep -q 'is of another study: it has made.numerics=1, this one' "$work/err"; then
            fail 'sweep does not say that the numerics are others'
        fi
        sha256sum --quiet -c "$work/before" || fail 'sweep changed finished runs'
    fi
    for file in "${runs[@]}"; do
        ended "$(basename "$file" .mneme)" "$file"
    done
    cd "$work" || exit 1
    rm -r here
done
echo "$checks checks, $failures failures"
[ "$checks" -gt 0 ] && [ "$failures" -eq 0 ]
