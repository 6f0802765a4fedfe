# packages.sh -- sourced by the other scripts: installs what is missing on Debian and Ubuntu.
# shellcheck shell=bash disable=SC2034 # the lists are for those who source it

build_packages=(gcc libc6-dev meson ninja-build pkg-config libdnnl-dev libopenblas-dev
    libsqlite3-dev libcjson-dev libarchive-dev libpng-dev libjpeg-dev zlib1g-dev)
demo_packages=(gnuplot-nox dataset-fashion-mnist)
test_packages=(check clang libomp-dev clang-format g++ git gnuplot-nox dataset-fashion-mnist
    python3-numpy python3-torch python3-torchvision shellcheck sqlite3)

# Prints those of the named packages that are not installed.
missing_packages() {
    local package
    for package in "$@"; do
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q '^install ok installed$' ||
            echo "$package"
    done
}

# Prints those of the named packages that this system can install; tests of the others are skipped.
offered_packages() {
    local package
    for package in "$@"; do
        if apt-cache show "$package" >/dev/null 2>&1; then
            echo "$package"
        else
            echo "Not offered by this system's package sources: $package" >&2
        fi
    done
}

# Installs what is missing of the named packages; asks for nothing when nothing is.
install_packages() {
    local -a missing as_root=()
    if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
        echo "This is neither Debian nor Ubuntu: the equivalents of these packages are needed:" >&2
        echo "  $*" >&2
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    echo "Installing: ${missing[*]}" >&2
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "Not root, and there is no sudo; as root, run:" >&2
            echo "  apt-get install ${missing[*]}" >&2
            return 1
        fi
        as_root=(sudo)
    fi
    "${as_root[@]}" apt-get update -qq >&2
    mapfile -t missing < <(offered_packages "${missing[@]}")
    if [ ${#missing[@]} -eq 0 ]; then
        return 0
    fi
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "${missing[@]}" >&2
}

# Sets up the build folder $1 with the remaining options.  One that is there keeps what it has built,
# unless Meson refuses: that of an earlier version, of whose options one had another type.
setup_build() {
    local folder=$1 said status=0
    shift
    if [ -f "$folder/build.ninja" ] && meson setup --reconfigure "$folder" "$@" >/dev/null 2>&1; then
        return 0
    fi
    if [ -f "$folder/build.ninja" ]; then
        set -- --wipe "$@"
    fi
    said=$(meson setup "$folder" "$@" 2>&1) || status=$?
    [ "$status" -eq 0 ] || echo "$said" >&2
    return "$status"
}
