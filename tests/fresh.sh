#!/bin/sh
# fresh.sh ROOT FOLDER RELEASE -- the two commands of the README in a fresh Debian RELEASE, as one of
# its users would give them.
#
# debootstrap lays the release into FOLDER with the mirror of this machine's apt; $MNEME_MIRROR names
# another one.  The last commit of ROOT is cloned there, and there scripts/demo and scripts/test run,
# and between them a build is set up without the test library, which must say so.  FOLDER is removed
# when all went well, and stays for a look when not.  Skipped (77) for who is not root, without
# debootstrap, and where the release is not offered.
set -eu
root=$1 folder=$2 release=$3
environment="HOME=/root TERM=dumb LANG=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin"

skip() {
    echo "skipped: $*"
    exit 77
}

fail() {
    echo "Debian $release: $*; it stays in $folder"
    exit 1
}

inside() {
    chroot "$folder" env -i $environment sh -c "cd /root/mneme && $1" </dev/null
}

# The first of the repositories of this machine's apt that offers the release.
mirror_of_apt() {
    for uri in $(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sort -u); do
        if /usr/lib/apt/apt-helper -qq download-file "${uri%/}/dists/$release/InRelease" \
            "$folder.found" >/dev/null 2>&1; then
            rm -f "$folder.found"
            echo "${uri%/}"
            return
        fi
    done
}

# Inside as outside: by which proxy, and how strictly, apt reaches the mirror.
copy_settings_of_apt() {
    apt-config dump | grep -E '^Acquire::(Check-|Retries|ForceIPv|https?::)' \
        >"$folder/etc/apt/apt.conf.d/00as-outside" || :
}

if [ "${MNEME_FRESH_INSIDE:-}" != yes ]; then
    [ "$(id -u)" -eq 0 ] || skip "a chroot is made by root; run this test as root"
    command -v debootstrap >/dev/null || skip "there is no debootstrap; install it"
    command -v apt-get >/dev/null || skip "there is no apt, which knows a mirror"
    [ -d "$root/.git" ] || [ -f "$root/.git" ] || skip "$root is no clone, whose commit is tried"
    # What is mounted, and what still runs, goes with these namespaces when the script ends.
    unshare --mount --pid --fork true 2>/dev/null || skip "namespaces cannot be made here"
    MNEME_FRESH_INSIDE=yes exec unshare --mount --pid --fork --kill-child sh "$0" "$@"
fi

rm -rf --one-file-system "$folder"
mkdir -p "$folder"
mirror=${MNEME_MIRROR:-$(mirror_of_apt)}
[ -n "$mirror" ] || skip "no source of this machine's apt offers $release; name one in MNEME_MIRROR"
proxy=
eval "$(apt-config shell proxy Acquire::http::Proxy)"
[ -z "$proxy" ] || export http_proxy="$proxy"
echo "== Debian $release from $mirror"
debootstrap --variant=minbase "$release" "$folder" "$mirror" >"$folder.log" 2>&1 ||
    { cat "$folder.log"; fail "debootstrap failed"; }
rm -f "$folder.log"
copy_settings_of_apt
mount -t proc proc "$folder/proc"
mount -t sysfs sysfs "$folder/sys"
mount --rbind /dev "$folder/dev"
git clone --quiet --no-hardlinks "$root" "$folder/root/mneme" || fail "the clone failed"

echo "== scripts/demo"
inside scripts/demo >"$folder/root/demo.log" 2>&1 ||
    { cat "$folder/root/demo.log"; fail "scripts/demo failed"; }
for said in 'derpp  *3 ' 'er  *3 ' 'finetune  *3 '; do
    grep -q "^$said" "$folder/root/demo.log" ||
        fail "scripts/demo: its table has no line '$said'; see $folder/root/demo.log"
done
[ -s "$folder/root/mneme/runs/demo/curves.png" ] || fail "scripts/demo drew no curves"

echo "== meson setup without the test library"
inside 'meson setup build' >"$folder/root/setup.log" 2>&1 ||
    { cat "$folder/root/setup.log"; fail "without the test library a build cannot be set up"; }
grep 'Check is not installed' "$folder/root/setup.log" ||
    fail "without the test library meson setup does not say that there are no tests"

echo "== scripts/test"
inside scripts/test || fail "scripts/test failed"
umount -l "$folder/dev" "$folder/sys" "$folder/proc"
rm -rf --one-file-system "$folder"
