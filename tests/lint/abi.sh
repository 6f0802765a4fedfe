#!/bin/sh
# abi.sh ROOT [NAME...] -- every member of every struct, and every constant of every enum, in the headers
# that plugins include has its line in abi.c, and abi.c has no other lines.  A member that a compiler
# puts into padding moves nothing that abi.c could notice.
set -eu
root=$1
shift
# The headers of programs, of which no plugin sees a struct.
programs='experiment groups judge memory observer predict results run statistics stream'
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

[ $# -gt 0 ] || set -- $(cd "$root/src/include/mneme" && echo *.h)
for name in "$@"; do
    case " $programs " in *" ${name%.h} "*) continue ;; esac
    # Without comments and preprocessor lines, one statement a line.
    sed -E -e ':more' -e '/\\$/{N;b more' -e '}' -e '/^[[:space:]]*#/d' \
        "$root/src/include/mneme/$name" | tr '\n' ' ' |
        sed -E -e 's,/\*([^*]|\*+[^*/])*\*+/,,g' -e 's/[{;]/&\n/g' -e 's/}/\n}/g' |
        awk '
        function clean(text) { gsub(/^ +| +$/, "", text); return text }
        { $0 = clean($0) }
        /^typedef struct mn_[a-z_0-9]+ \{$/ { struct = $3; print "STRUCT " struct; next }
        /^(typedef )?enum( mn_[a-z_]+)? \{$/ { constants = 1; next }
        /^}/ { struct = ""; constants = 0; next }
        constants {
            n = split($0, part, ",")
            for (i = 1; i <= n; i++) {
                sub(/=.*/, "", part[i])
                if (clean(part[i]) ~ /^MN_[A-Z0-9_]+$/)
                    print "VALUE " clean(part[i])
            }
        }
        struct != "" && /;$/ {
            sub(/;$/, "")
            if (match($0, /\(\*[a-z_0-9]+\)/)) { # a function
                print "MEMBER " struct "." substr($0, RSTART + 2, RLENGTH - 3)
                next
            }
            n = split($0, part, ",")
            for (i = 1; i <= n; i++) {
                sub(/\[[A-Za-z0-9_]+\]/, "", part[i])
                match(part[i], /[a-z_0-9]+ *$/)
                print "MEMBER " struct "." clean(substr(part[i], RSTART))
            }
        }'
done | sort >"$scratch/declared"
sed -nE -e 's/^MEMBER\((mn_[a-z_0-9]+), ([a-z_0-9]+), .*/MEMBER \1.\2/p' \
    -e 's/^STRUCT\((mn_[a-z_0-9]+), .*/STRUCT \1/p' \
    -e 's/^VALUE\((MN_[A-Z0-9_]+), .*/VALUE \1/p' "$root/tests/lint/abi.c" | sort >"$scratch/pinned"
[ -s "$scratch/declared" ] || { echo "no struct was found in $root/src/include/mneme"; exit 1; }
if ! diff "$scratch/declared" "$scratch/pinned" >"$scratch/difference"; then
    sed -nE -e 's/^< (STRUCT|MEMBER|VALUE) (.*)/\2 has no line in tests\/lint\/abi.c; a new member or constant raises the ABI numbers/p' \
        -e 's/^> (STRUCT|MEMBER|VALUE) (.*)/\2 is in tests\/lint\/abi.c, but in no header/p' "$scratch/difference"
    exit 1
fi
