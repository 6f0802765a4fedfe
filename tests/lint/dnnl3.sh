#!/bin/sh
# dnnl3.sh ROOT BUILD CC -- the files that call oneDNN are accepted with the headers of oneDNN 3.x,
# which Debian 12 does not have: $MNEME_ONEDNN3 names a folder with oneapi/dnnl/dnnl.h.  Skipped
# (77) without them, as where the installed ones are of 3.x: there the build itself shows it.
set -eu
root=$1 build=$2
shift 2
headers=${MNEME_ONEDNN3:-}
if [ ! -f "$headers/oneapi/dnnl/dnnl.h" ]; then
    echo "skipped: MNEME_ONEDNN3 names no folder with oneapi/dnnl/dnnl.h of 3.x"
    exit 77
fi
grep -qE 'DNNL_VERSION_MAJOR +3' "$headers/oneapi/dnnl/dnnl_version.h"
error=''
[ "${MNEME_WERROR:-false}" = false ] || error=-Werror
for file in $(grep -lE 'dnnl' "$root"/src/tensor/cpu/*.c); do
    echo "$file"
    "$@" -std=c11 -Wall -Wextra -Wconversion $error -D_GNU_SOURCE -fopenmp -fsyntax-only \
        -isystem "$headers" -I"$root/src/include" -I"$build/src/include" -I"$root/src" "$file"
done
