#!/bin/sh
# floors.sh ROOT [LIBRARY] -- each floor includes only floors below it, each library is included by
# the floors that own it, and strategies call nothing but the public interface.
#
# ROOT is the source tree.  LIBRARY is the static library with the strategies' objects; without it
# only the #include lines are checked.
set -eu
root=$1
library=${2:-}
export LC_ALL=C

includes() {
    cd "$root"
    grep -rnE '^[[:space:]]*#[[:space:]]*include' --include='*.[ch]' --include='*.in' \
        src buffers networks strategies |
        sed -E 's/:[[:space:]]*#[[:space:]]*include[[:space:]]*/:/'
}

includes_are_below() {
    includes | awk -F: '
    BEGIN {
        # Folders whose headers a floor may include.
        may["base"] = "base"
        may["tensor"] = "base tensor"
        may["autograd"] = "base tensor autograd"
        may["nn"] = "base tensor autograd nn"
        may["data"] = "base tensor data"
        may["store"] = "base tensor store"
        may["buffer"] = "base tensor data store buffer"
        may["buffers"] = may["strategies"] = "" # public headers only
        may["networks"] = "nn autograd"
        may["experiment"] = "base tensor nn data store features experiment"
        may["learner"] = "base tensor autograd nn data store buffer experiment learner"
        may["run"] = "base tensor autograd nn data store buffer experiment learner run"
        may["judge"] = "base data store experiment learner run judge"
        may["features"] = "base tensor autograd nn data features"
        may["results"] = "base tensor data store results"
        may["cli"] = "base cli"

        # Floors whose public headers a floor may include: the same, but for these.
        for (floor in may)
            public[floor] = may[floor]
        public["networks"] = "base tensor autograd nn"
        public["buffers"] = "base tensor data buffer"
        public["strategies"] = "base tensor autograd nn data buffer learner"
        public["experiment"] = public["learner"] = public["run"] = public["strategies"] " experiment run judge"
        public["judge"] = public["run"]
        public["run"] = public["run"] " results"
        public["results"] = "base experiment learner results" # tables of options, needs of strategies
        public["cli"] = public["run"] " results"

        split("status random option observer registry version memory", names, " ")
        for (i in names)
            floor_of[names[i]] = "base"
        floor_of["tensor"] = "tensor"
        split("autograd ops losses image_ops linear_algebra", names, " ")
        for (i in names)
            floor_of[names[i]] = "autograd"
        floor_of["network"] = floor_of["layers"] = floor_of["optimiser"] = "nn"
        floor_of["data"] = floor_of["rows"] = floor_of["transform"] = floor_of["stream"] = floor_of["views"] = "data"
        floor_of["buffer"] = "buffer"
        split("strategy services keep forward draw mixing early_stopping", names, " ")
        for (i in names)
            floor_of[names[i]] = "learner"
        floor_of["run"] = "run"
        floor_of["experiment"] = floor_of["features"] = "experiment"
        floor_of["results"] = floor_of["groups"] = floor_of["statistics"] = "results"
        floor_of["judge"] = floor_of["predict"] = "judge"

        # Who may include what is not ours: a pattern of headers, and floors.
        own["dnnl|cblas|lapack"] = "tensor"
        own["sqlite3"] = "store"
        own["cJSON"] = "base experiment run cli" # store reads it through base/json.h
        own["archive"] = "data"
        own["png|jpeg"] = "data"
        own["zlib"] = "tensor data store"
        own["dlfcn"] = "base"
        # The C headers that neither read, write nor allocate.
        plain = " math.h string.h stdbool.h stddef.h stdint.h inttypes.h float.h limits.h "
    }
    function holds(list, word) { return index(" " list " ", " " word " ") > 0 }
    function bad(why) { print $1 ":" $2 ": " $3 ": " why; failed = 1 }
    {
        count++
        header = substr($3, 2)
        sub(/[>"].*/, "", header)
        parts = split($1, path, "/")
        installed = $1 ~ /^src\/include\/mneme\//
        name = path[parts]
        sub(/\..*$/, "", name)
        floor = installed ? floor_of[name] : path[1] == "src" ? path[2] : path[1]
        if (!(floor in may)) {
            bad("the file stands on no floor; give it one in tests/lint/floors.sh")
            next
        }
        split(header, part, "/")
        if (header ~ /^mneme\//) {
            name = part[2]
            sub(/\..*$/, "", name)
            if (name == "memory" && (floor == "strategies" || floor == "networks"))
                bad("it takes no memory of its own; services and networks give it what it needs")
            if (!holds(public[floor], floor_of[name]))
                bad(floor " may not include the public header of " floor_of[name])
        } else if ($3 ~ /^"/) {
            if (installed)
                bad("an installed header includes only installed ones")
            else if (floor == "strategies" && header ~ /^strategies\/(shared|[a-z_]+)\/[a-z_]+\.h$/)
                next # of a family, or of a method that is a folder
            else if (!holds(may[floor], part[1]))
                bad(floor " may include headers of: " (may[floor] == "" ? "none" : may[floor]))
        } else {
            for (pattern in own)
                if (header ~ pattern && !holds(own[pattern], floor))
                    bad("only these floors include it: " own[pattern])
            if ((floor == "strategies" || installed) && !holds(plain, header))
                bad((installed ? "an installed header" : "a strategy") " does without it")
        }
    }
    END {
        if (count < 50) {
            print "only " count + 0 " #include lines found; is the root right?"
            failed = 1
        }
        exit failed
    }'
}

# What a strategy calls must be declared in an installed header, be in the C library and free of
# effects, or come from the compiler and its sanitizers.
symbols_are_public() {
    declared=$(mktemp)
    trap 'rm -f "$declared"' EXIT
    {
        grep -hoE 'MN_API [^;(]*mn_[a-z0-9_]+\(' "$root"/src/include/mneme/*.h
        grep -hoE '^[a-z][^;(]*mn_[a-z0-9_]+[([]' "$root"/strategies/*/*.h # what strategies share
    } | grep -oE 'mn_[a-z0-9_]+[([]$' | tr -d '([' | sort -u >"$declared"
    nm -A -u "$library" | awk -v declared="$declared" '
    BEGIN {
        while ((getline name < declared) > 0)
            allowed[name] = 1
        split("memcpy memmove memset memcmp strcmp strncmp strlen " \
              "exp expf exp2 expm1 log logf log2 log1p sqrt sqrtf pow powf fabs fabsf " \
              "floor floorf ceil ceilf round roundf lround llround trunc fmax fmin fmaxf fminf " \
              "sin cos sincos tan tanh tanhf atan2 hypot", names, " ")
        for (i in names)
            allowed[names[i]] = 1
        compilers = "^(_GLOBAL_OFFSET_TABLE_|__stack_chk_|__asan_|__ubsan_|__tsan_|__msan_|" \
                    "__sanitizer_|__sancov_|__gcov_|__llvm_|__start_|__stop_|__mulodi4$)"
    }
    /strategies_[a-z0-9_]*\.c\.o/ {
        count++
        if (!($NF in allowed) && $NF !~ compilers) {
            object = $1
            sub(/.*strategies_/, "strategies/", object)
            sub(/\.c\.o.*/, ".c", object)
            print object ": calls " $NF ", which no installed header declares"
            failed = 1
        }
    }
    END {
        if (count == 0) {
            print "no strategy object in the library; is the path right?"
            failed = 1
        }
        exit failed
    }'
}

# The functions that source files define and internal headers declare: "define FILE NAME" and
# "declare FILE NAME".  A function begins in the first column, and ends its head with "{" or ";".
functions() {
    cd "$root"
    find src networks strategies -name '*.[ch]' ! -path 'src/include/*' | sort | xargs awk '
    FNR == 1 { head = "" }
    /^(\/\*| \*|#|})/ { next }
    head == "" && /^[a-z].*\(/ && !/^(typedef|static|extern|enum|struct [a-z_]+ \{)/ { head = " " }
    head != "" { head = head " " $0 }
    head != "" && /[{;]/ {
        kind = head ~ /^[^;]*\{/ ? "define" : "declare"
        if (match(head, /mn_[a-z0-9_]+\(/))
            print kind, FILENAME, substr(head, RSTART, RLENGTH - 1)
        head = ""
    }'
}

# What x.h declares, x.c defines.  The kernels are the exception: their headers are the table that a
# device provides, and the files of tensor/cpu are the device.
headers_are_own() {
    wrong=$(
        functions | awk '
        $1 == "define" { home[$3] = $2 }
        $1 == "declare" && $2 ~ /\.h$/ { header[$3 " " $2] = $2 }
        END {
            for (key in header) {
                name = key
                sub(/ .*/, "", name)
                source = header[key]
                sub(/\.h$/, ".c", source)
                if (header[key] ~ /^src\/tensor\/([a-z]+_)?kernels\.h$/)
                    continue
                count++
                if (home[name] != source)
                    print header[key] ": declares " name ", which " \
                        (name in home ? home[name] " defines" : "nobody defines") \
                        "; a source has a header of its own"
            }
            if (count < 50)
                print "only " count + 0 " functions in headers found; is the root right?"
        }' | sort
        cd "$root"
        grep -rnE '/\* [a-z_]+\.c:' --include='*.h' src networks strategies |
            sed 's/$/ (this names the file that a header should belong to)/' || true
    )
    [ -z "$wrong" ] || { echo "$wrong" && return 1; }
}

# Folders whose inside is nobody else's, and how large things may grow.
rooms_are_kept() {
    cd "$root"
    wrong=$(
        grep -rn '#include "tensor/cpu/' --include='*.[ch]' src networks strategies buffers |
            grep -v '^src/tensor/' | sed 's/$/: only tensor includes the device/' || true
        grep -rn '#include "learner/learner.h"' --include='*.[ch]' src networks strategies buffers |
            grep -vE '^src/(learner|run|judge)/' |
            sed 's/$/: only learner, run and judge know the learner/' || true
        find src buffers networks strategies -name '*.[ch]' | sort | xargs wc -l | awk '
            $2 == "total" { next }
            $2 ~ /\.h$/ && $1 > 200 { print $2 ": " $1 " lines; a header has at most 200" }
            $2 ~ /\.c$/ && $1 > 600 { print $2 ": " $1 " lines; a source has at most 600" }
            $2 ~ /^src\/run\// { run += $1 }
            END { if (run > 2100) print "src/run: " run " lines; the loop has at most 2100" }'
    )
    [ -z "$wrong" ] || { echo "$wrong" && return 1; }
}

# All memory comes from src/base/memory.c, where a host or a test may put another source below it;
# but for what base/reserve.c keeps for libraries of the C library's own.
# The program itself, which is a host, may have other memory.
memory_has_one_source() {
    cd "$root"
    wrong=$(
        find src buffers networks strategies -name '*.[ch]' ! -path 'src/cli/*' \
            ! -path src/base/memory.c ! -path src/base/reserve.c | sort | xargs awk '
        FNR == 1 { inside = 0 }
        {
            line = $0
            if (inside && !sub(/.*\*\//, "", line)) next
            inside = 0
            gsub(/\/\*([^*]|\*[^\/])*\*\//, "", line)
            inside = sub(/\/\*.*/, "", line)
            if (match(" " line, /[^a-z0-9_.>"]((m|c|re)alloc|reallocarray|(aligned|p?v)alloc|aligned_alloc|memalign|posix_memalign|strn?dup|v?asprintf|getline|getdelim|open_memstream|free) *\(/) ||
                match(line, /= *(malloc|calloc|realloc|free) *[,;}]/) ||
                match(line, /realpath\([^,]*, *NULL\)/))
                print FILENAME ":" FNR ": takes or gives memory past <mneme/memory.h> and base/text.h"
        }'
    )
    [ -z "$wrong" ] || { echo "$wrong" && return 1; }
}

nothing_is_in_a_circle() {
    MNEME_SOURCE=$root sh "$here/../../scripts/rooms" --circles
}

here=$(cd "$(dirname "$0")" && pwd)
status=0
for rule in includes_are_below headers_are_own rooms_are_kept memory_has_one_source nothing_is_in_a_circle; do
    ("$rule") || status=1
done
if [ -n "$library" ]; then
    symbols_are_public || status=1
fi
exit $status
