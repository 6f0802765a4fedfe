#!/bin/sh
# flip_signs.sh GRAD -- turns the sign of every gradient of every op, one at a time, and sees its
# gradient cases go red.  GRAD is the gradient test built with MN_TEST_FLIPS.
set -u
grad=$1
stayed_green=0
flips=0
"$grad" > /dev/null || { echo "the gradient cases are red without any flip"; exit 1; }
list=$("$grad" --list) || exit 1
while read -r op inputs; do
    input=0
    while [ "$input" -lt "$inputs" ]; do
        why=$("$grad" --flip "$op" "$input")
        case $? in
        1) printf '%-24s input %d: red    %s\n' "$op" "$input" "$(echo "$why" | head -n 1)" ;;
        0) printf '%-24s input %d: STAYED GREEN\n' "$op" "$input"
           stayed_green=$((stayed_green + 1)) ;;
        *) echo "$op input $input: the test itself failed"; exit 1 ;;
        esac
        flips=$((flips + 1))
        input=$((input + 1))
    done
done <<LIST
$list
LIST
echo "$flips flips, $stayed_green stayed green"
[ "$flips" -gt 0 ] && [ "$stayed_green" -eq 0 ]
