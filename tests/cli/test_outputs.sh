#!/usr/bin/env bash
# test_outputs.sh PROGRAM ROOT -- names of any bytes through every output: benchmarks, classes, arms,
# files and flags that hold each control character, bytes that are no UTF-8, and what gnuplot, shells,
# spreadsheets and browsers would execute.  Nothing of it may run, and nothing may reach a terminal.
set -uo pipefail
program=$(realpath "$1")
root=$(realpath "$2")
export MNEME_BENCHMARKS=$root/benchmarks LC_ALL=C.UTF-8 OMP_NUM_THREADS=1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
checks=0 failures=0

fail() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    head -c 2000 out | cat -v | sed 's/^/    out: /'
    head -c 2000 err | cat -v | sed 's/^/    err: /'
}

# visible FILE WHAT: lines of UTF-8, with no control character but their ends.
visible() {
    local file=$1 what=$2
    checks=$((checks + 1))
    cat "$file" >seen
    iconv -f UTF-8 -t UTF-8 seen >/dev/null 2>&1 || fail "$what: no UTF-8"
    if LC_ALL=C grep -qaP '[\x01-\x09\x0b-\x1f\x7f]|\xc2[\x80-\x9f]|\xe2\x80[\xa8-\xae]' seen; then
        fail "$what: control characters"
    fi
}

ran_nothing() {
    checks=$((checks + 1))
    [ -z "$(find . -name 'ran*')" ] || fail "$*: a command was executed"
}

# run CODE ARGUMENT...: both streams are visible, and there is none of the attacks' traces.
run() {
    local wanted=$1 code=0
    shift
    "$program" "$@" >out 2>err </dev/null || code=$?
    checks=$((checks + 1))
    [ "$code" -eq "$wanted" ] || fail "mneme $* ended with $code, not $wanted"
    sed -i 's/^\t*//; s/^\("[a-z_-]*":\)\t/\1/' out # JSON's layout
    visible out "$(printf %q "$*"), standard output"
    visible err "$(printf %q "$*"), standard error"
    ran_nothing "$@"
}

json() {
    run "$@"
    checks=$((checks + 1))
    [ "$(sqlite3 :memory: "SELECT json_valid(CAST(readfile('out') AS TEXT))")" = 1 ] ||
        fail "${*:2}: no JSON"
}

# --- names --------------------------------------------------------------------------------------

# Every character from 1 to 0x9f but those of a CSV's own, marks of direction, bytes of no character.
controls=
for code in {1..159}; do
    case $code in 10 | 13 | 34 | 39 | 44) continue ;; esac
    printf -v character '%b' "\\U$(printf %08x "$code")"
    controls+=$character
done
printf -v controls '%s\u202e\u2028\xff\xc3' "$controls"
# shellcheck disable=SC1003,SC2016
attacks='`touch ran1` $(touch ran2) </text><script>alert(1)</script>&#x1; {/Bold y}_z^2 @x %s %d \'

# The text as JSON has it.
quoted() {
    local text=$1
    text=${text//\\/\\\\}
    text=${text//\"/\\\"}
    local code character
    for code in {1..31}; do
        printf -v character '%b' "\\x$(printf %02x "$code")"
        text=${text//"$character"/"\\u00$(printf %02x "$code")"}
    done
    printf '"%s"' "$text"
}

{
    printf 'x,y,label\n'
    for i in {1..20}; do
        for class in "$controls" "$attacks" =1+2 -3x; do
            printf '%d,%d,%s\n' "$i" "$((i * i % 7))" "$class"
        done
    done
} >table.csv

# benchmark FILE NAME
benchmark() {
    cat >"$1" <<END
{"name": $(quoted "$2"), "summary": $(quoted "$2"),
 "dataset": {"name": "csv", "path": "$work/table.csv", "test_fraction": 0.2},
 "stream": {"tasks": 2}, "network": {"name": "mlp", "widths": "8"},
 "train": {"epochs": 1, "batch": 10, "lr": 0.05, "buffer_size": 20},
 "recipes": [{"strategy": "er", "set": {"lr": 0.04}, "source": $(quoted "$2")}]}
END
}

# shellcheck disable=SC1003
names=("$controls" "$attacks" $'\nsystem "touch ran3"\n!touch ran4\n' $'\'\nsystem \'touch ran5\'\n'
    $'"\nsystem "touch ran6"\n#' "=cmd|'/C touch ran7'!A0" $'\t=1+1' "-1+1" '\')
for i in "${!names[@]}"; do
    benchmark "$i.json" "${names[$i]}"
    run 0 run "./$i.json" er -q -o "$i.mneme"
    run 0 help "./$i.json"
    run 0 show "$i.mneme"
    json 0 show --json "$i.mneme"
    json 0 export --format json "$i.mneme"
    run 0 buffer "$i.mneme"
    json 0 buffer --json "$i.mneme"
    run 0 buffer --sheet "$i.png" "$i.mneme"
    run 0 resume "$i.mneme"
    run 0 data check "./$i.json"
    json 0 data check --json "./$i.json"
    run 0 data show "./$i.json" -o "$i-data.png"

    "$program" export --format csv "$i.mneme" >out 2>err
    tr -d '\t\n' <out >cells
    visible cells "$i.json: CSV"
    checks=$((checks + 1))
    if grep -q '^[=@]\|^"[=@]\|,[=@]\|,"[=@]\|^-1+\|^"	' out; then
        fail "$i.json: a formula in a CSV"
    fi

    if command -v gnuplot >/dev/null; then
        "$program" plot "$i.mneme" >out 2>err || fail "plot $i.mneme"
        visible <(tr -d '\f' <out) "$i.mneme: a plot in the terminal" # a page a panel
        for ending in svg png pdf; do
            run 0 plot "$i.mneme" -o "$i.$ending"
        done
        visible <(tr -d '\t' <"$i.svg") "$i.svg"
        checks=$((checks + 1))
        if grep -qi '<script\|&#[^x]\|&#x[^2]' "$i.svg"; then
            fail "$i.svg: markup from a name"
        fi
    fi
done

# --- several runs, and a study ------------------------------------------------------------------

run 0 show ./*.mneme
json 0 show --json ./*.mneme
run 0 run ./0.json finetune -q -o other.mneme
run 0 compare --force 0.mneme other.mneme
json 0 compare --force --json 0.mneme other.mneme
for form in markdown latex; do
    run 0 compare --force --format $form 0.mneme other.mneme
    run 0 show --format $form ./*.mneme
done
"$program" show --format csv ./*.mneme >out 2>err
tr -d '\t\n' <out >cells # which stay in CSV, within quotes
visible cells 'several runs: CSV'
checks=$((checks + 1))
if grep -q '^[=@]\|^"[=@]\|,[=@]\|,"[=@]\|^"	' out; then
    fail 'several runs: a formula in a CSV'
fi
run 2 compare 0.mneme 1.mneme

arm=${controls//\//}
cat >study.json <<END
{"seeds": 2, "arms": [
 {"benchmark": "$work/0.json", "strategy": "er", "name": $(quoted "${arm//,/}")},
 {"benchmark": "$work/1.json", "strategy": "er", "set": {"lr": 0.1}}]}
END
run 0 sweep study.json --out study
run 0 sweep study.json --out study --table --format latex
run 0 run ./0.json er --seeds 2 --out seeds

# A name in a file is a name, never a flag.
cat >flags.json <<END
{"seeds": 1, "arms": [{"benchmark": "--out=ran8", "strategy": "er"}]}
END
run 2 sweep flags.json --out study2
ran_nothing a benchmark called --out

# --- files and flags ----------------------------------------------------------------------------

for name in "$controls" "$attacks" "${names[3]}" "${names[4]}"; do
    name=${name//\//}
    cp 0.mneme "./$name.mneme"
    run 0 show "./$name.mneme"
    json 0 show --json "./$name.mneme"
    run 0 export --format safetensors "./$name.mneme"
    run 0 buffer "./$name.mneme" --sheet "./$name.png"
    run 0 export "./$name.mneme" --copy "./copy-$name.mneme"
    if command -v gnuplot >/dev/null; then
        run 0 plot "./$name.mneme" -o "./$name.svg"
        checks=$((checks + 1))
        [ -s "./$name.svg" ] || fail "a figure is not where -o says"
        run 2 plot "./$name.mneme" -o "./$name"
        run 1 plot "./$name.mneme" -o "./no folder/$name.svg"
    fi
    run 1 show "./no $name"
    run 1 resume "./no $name"
    run 2 run "./no $name" er
    run 2 run ./0.json "x$name"
    run 2 run ./0.json "./$name.so"
    run 2 run ./0.json er --set "x$name=1"
    run 2 run ./0.json er --set "lr=x$name"
    run 2 run ./0.json er --lr "x$name"
    run 2 run ./0.json er --init "./no $name" -o never.mneme
    run 2 run ./0.json er "--x$name"
    run 2 show 0.mneme "-$name"
    run 2 plot 0.mneme --scope "x$name"
    run 2 export 0.mneme --format "x$name"
    run 2 "x$name"
    run 2 help "x$name"
    run 2 list "x$name"
    run 2 data "x$name" synthetic
    run 2 data get "x$name"
    run 2 new strategy "x$name"
    printf '{"name": "x", "dataset": {"name": "synthetic"}, %s: 1}' "$(quoted "key$name")" >keys.json
    run 2 run ./keys.json er
    printf '{"arms": [{"benchmark": "0.json", "strategy": "er", "name": %s, "expect": [{"metric": %s}]}]}' \
        "$(quoted "a")" "$(quoted "$name")" >keys.json
    run 2 sweep keys.json
    printf '{"name": "x"%s' "$name" >keys.json
    run 2 run ./keys.json er
done

# gnuplot's own start-up files and variables play no part.
if command -v gnuplot >/dev/null; then
    printf 'system "touch ran9"\n' >.gnuplot
    HOME=$work GNUTERM=dumb GNUPLOT_LIB=$work run 0 plot 0.mneme -o home.svg
    checks=$((checks + 1))
    grep -q '<svg' home.svg || fail "GNUTERM chose what is drawn"
fi

echo "$checks checks, $failures failures"
[ "$failures" -eq 0 ]
