# checks.sh -- what the tests of the command line begin with, by `.`: arguments PROGRAM ROOT
# LIBRARY-FOLDER, an empty folder to work in, and how an answer is held against what was expected.
# shellcheck shell=bash
program=$(realpath "$1")
root=$(realpath "$2")
library=$(realpath "$3")
export MNEME_BENCHMARKS=$root/benchmarks LC_ALL=C.UTF-8 OMP_NUM_THREADS=1
unset MNEME_DATA NO_COLOR
top=$(mktemp -d)
work=$top/here # ../shared/data, where data are looked for, lies in $top
mkdir "$work"
trap 'rm -rf "$top"' EXIT
cd "$work" || exit 1
checks=0 failures=0
search= # instead of PATH, for the program alone

fail() {
    failures=$((failures + 1))
    echo "FAILED: $*"
    sed 's/^/    out: /' out | head -n 20
    sed 's/^/    err: /' err | head -n 20
}

# run CODE ARGUMENT...: runs mneme and checks its exit code.
run() {
    local wanted=$1 code=0
    shift
    PATH=${search:-$PATH} "$program" "$@" >out 2>err </dev/null || code=$?
    checks=$((checks + 1))
    [ "$code" -eq "$wanted" ] || fail "mneme $* ended with $code, not $wanted"
}

# refused CODE TEXT ARGUMENT...: fails with that code and one line, which begins with "mneme: " and
# contains the text; nothing on standard output.
refused() {
    local wanted=$1 text=$2
    shift 2
    run "$wanted" "$@"
    grep -v '^recipe of \|has no recipe for' err >complaint
    if [ "$(wc -l <complaint)" -ne 1 ] || ! grep -q '^mneme: ' complaint; then
        fail "mneme $*: not one line of complaint"
    elif ! grep -qF -- "$text" complaint; then
        fail "mneme $*: its complaint does not say '$text'"
    elif [ -s out ]; then
        fail "mneme $*: a complaint, and output too"
    fi
}

# says TEXT, does_not_say TEXT: about the standard output of the last run.
says() {
    checks=$((checks + 1))
    grep -qF -- "$1" out || fail "the output does not say '$1'"
}

does_not_say() {
    checks=$((checks + 1))
    ! grep -qF -- "$1" out || fail "the output says '$1'"
}

is_there() {
    checks=$((checks + 1))
    [ -s "$1" ] || fail "$1 is not there"
}

is_not_there() {
    checks=$((checks + 1))
    [ ! -e "$1" ] || fail "$1 is there"
}
