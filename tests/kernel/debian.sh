# shellcheck shell=bash
# A Debian 12 in a folder, for whoever tries the product in one of its own. Sourced, never run; as root.

SOURCE=$(readlink -f "$(dirname "${BASH_SOURCE[0]}")/../..")
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# What install.sh would install from Debian, and what the tests need besides.
PACKAGES=systemd,systemd-sysv,dbus,udev,ca-certificates,python3,python3-venv,gcc,libc6-dev,python3-dev,swig

# make_debian FOLDER ARCHITECTURE [PACKAGE,...]: FOLDER/root, kept for the next time.
make_debian() {
    local folder=$1 arch=$2 packages=$PACKAGES${3:+,$3}
    [ "$(id -u)" = 0 ] || die "needs root: it runs a Debian of its own"
    mkdir -p "$folder"
    [ "$(cat "$folder/.debian" 2>/dev/null)" != "$arch $packages" ] || return 0
    echo "Making a Debian 12, $arch"
    rm -rf "$folder/root"
    debootstrap --arch="$arch" --variant=minbase --include="$packages" bookworm "$folder/root" >"$folder/debootstrap.log" 2>&1 \
        || { tail -n 5 "$folder/debootstrap.log" >&2; die "debootstrap"; }
    echo "$arch $packages" >"$folder/.debian"
}

# put_source ROOT [PATH...]: what is installed from, and further paths of the tree, in /source.
put_source() {
    local root=$1
    shift
    rm -rf "$root/source"
    mkdir "$root/source"
    (cd "$SOURCE" && tar --create --exclude=__pycache__ controller deploy firmware_config systemd pyproject.toml README.md LICENSE "$@") \
        | tar --extract --directory "$root/source"
}

# contain ROOT PROGRAM ARGUMENT...: run something there, with this machine's network and its settings for pip.
contain() {
    local root=$1 name given=()
    shift
    while IFS= read -r name; do given+=("--setenv=$name=${!name}"); done \
        < <(compgen -e | grep -E '^(PIP_(CERT|INDEX_URL|EXTRA_INDEX_URL|PROXY)|SSL_CERT_FILE|REQUESTS_CA_BUNDLE|https?_proxy|no_proxy)$' || true)
    # Its authorities are this machine's: some networks have one of their own.
    [ ! -e /etc/ssl/certs/ca-certificates.crt ] || given+=(--bind-ro=/etc/ssl/certs/ca-certificates.crt)
    systemd-nspawn --quiet --register=no --keep-unit --pipe --directory "$root" "${given[@]}" \
        --setenv=PIP_CACHE_DIR=/var/cache/pip "$@" </dev/null
}
