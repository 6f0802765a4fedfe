#!/bin/sh
# ops_listed.sh GRAD OP_FILE... -- every op defined in the sources is in the list of ops.h, from
# which the gradient test takes what it demands cases of.
grad=$1
shift
defined=$(sed -nE 's/^(static const mn_op op_|[A-Z]+_OP\()([a-z0-9_]+).*/\2/p' "$@" | grep -v '^##' | sort)
listed=$("$grad" --list | cut -d ' ' -f 1 | sort)
[ -n "$defined" ] && [ "$defined" = "$listed" ] && exit 0
printf 'defined in the op files:\n%s\n\nlisted in ops.h:\n%s\n' "$defined" "$listed"
exit 1
