#!/usr/bin/env bash
# Install the product from this source tree on Raspberry Pi OS (64 bit) or Debian 12 and later, and start it.
# Run it again whenever you like: what is there already stays, and your site file is never touched.
#
# Usage: sudo deploy/install.sh [OPTION...]
#   --dry-run            say what would be done, change nothing
#   --root DIR           install into another tree (an image): no packages, nothing is started
#   --hardware yes|no    the libraries for GPIO, SPI and WS2812; default: yes on a machine with GPIO chips
#   --far                this machine drives a sign for a controller elsewhere, and nothing else (docs/sign.md)
#   --no-broker          leave Mosquitto alone: the broker is elsewhere, or there is none
#   --boot-config        also set up /boot/firmware/config.txt (Raspberry Pi)
#   --no-start           put everything in place, start nothing
#   --wheels DIR         take Python packages from this folder instead of the network
#   --help               this text
set -euo pipefail

# shellcheck source=deploy/lib.sh
. "$(dirname "$(readlink -f "$0")")/lib.sh"
LOCK=$SOURCE/deploy/requirements
KEEP_VERSIONS=3
MQTT_USER=parking-controller
SECRET=/etc/credstore/parking-controller.mqtt-password

hardware=auto broker=yes boot_config=no wheels=
while [ $# -gt 0 ]; do
    case $1 in
        --dry-run) DRY_RUN=yes ;;
        --root) ROOT=$(realpath -m "${2:?--root needs a folder}"); shift ;;
        --hardware) hardware=${2:?--hardware needs yes or no}; shift ;;
        --far) FAR=yes ;;
        --no-broker) broker=no ;;
        --boot-config) boot_config=yes ;;
        --no-start) START=no ;;
        --wheels) wheels=$(realpath "${2:?--wheels needs a folder}"); shift ;;
        --help) sed -n '2,/^set /{/^#/s/^# \{0,1\}//p}' "$0"; exit 0 ;;
        *) die "unknown option $1; --help tells what there is" ;;
    esac
    shift
done
[ "$ROOT" != / ] || ROOT=
choose_units
SITE=/etc/parking-controller/site.toml
if [ "$FAR" = yes ]; then broker=no SITE=/etc/parking-controller/far.toml; fi
case $hardware in
    auto) if compgen -G '/dev/gpiochip*' >/dev/null; then hardware=yes; else hardware=no; fi ;;
    yes | no) ;;
    *) die "--hardware $hardware: say yes or no" ;;
esac

check_machine() {
    local program
    case $(uname -s)/$(uname -m) in
        Linux/x86_64 | Linux/aarch64) ;;
        *) die "$(uname -s) on $(uname -m): needs Linux on x86-64 or 64-bit Arm (on a Pi: the 64-bit Raspberry Pi OS)" ;;
    esac
    for program in systemctl systemd-sysusers; do
        command -v "$program" >/dev/null || die "no $program: this system has no systemd"
    done
    if [ "$DRY_RUN" = no ] && [ -z "$ROOT" ] && [ "$(id -u)" != 0 ]; then die "needs root: sudo $0"; fi
}

install_packages() {
    local packages=(python3 python3-venv)
    [ "$broker" = no ] || packages+=(mosquitto)
    # spidev and rpi-ws281x come as source; so does lgpio on Python 3.13, which wants swig.
    [ "$hardware" = no ] || packages+=(gcc libc6-dev python3-dev swig)
    [ -z "$ROOT" ] || return 0
    run "$SOURCE/deploy/need-debian.sh" "${packages[@]}"
}

# The system's Python, not one of somebody's home: the services cannot see into homes.
find_python() {
    local python
    for python in /usr/bin/python3.13 /usr/bin/python3.12 /usr/bin/python3.11 /usr/bin/python3; do
        if "$python" -c 'import ensurepip, ssl, sys, venv; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            say "$python"
            return
        fi
    done
    [ "$DRY_RUN" = yes ] || die "needs Python 3.11 or later with venv: apt-get install python3 python3-venv (Debian 12 or later)"
    say /usr/bin/python3
}

# The version's name: its number and a digest of all that it is made of. The same sources give the same name.
version_name() {
    local number digest
    number=$(sed -n 's/^version = "\(.*\)"$/\1/p' "$SOURCE/pyproject.toml" | head -n 1)
    [ -n "$number" ] || die "$SOURCE/pyproject.toml has no version"
    digest=$(cd "$SOURCE" && find controller deploy systemd firmware_config pyproject.toml README.md -type f \
        ! -name '*.pyc' -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum)
    say "$number-${digest:0:8}"
}

pip_install() { # PYTHON ARGUMENTS...
    local python=$1 from=()
    shift
    [ -z "$wheels" ] || from=(--no-index --find-links "$wheels")
    run env PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PYPI=1 \
        "$python" -m pip install --quiet --no-input "${from[@]}" "$@"
}

# Build a version at the place where it will run (an environment cannot be moved). The mark .complete comes last; a half-built
# one has none and is built anew.
build_version() {
    local dir=$1 python backend
    if [ -e "$dir/.complete" ]; then
        say "$(basename "$dir") is built already"
        return
    fi
    python=$(find_python)
    say "Building $(basename "$dir") with $("$python" --version 2>/dev/null || say "$python"); this takes some minutes on a Pi"
    run rm -rf "$dir"
    run mkdir -p "$dir"
    run "$python" -m venv "$dir"
    pip_install "$dir/bin/python" --require-hashes -r "$LOCK/run.txt"
    if [ "$hardware" = yes ]; then
        # Some are built from source; setuptools, locked in run.txt, does it.
        pip_install "$dir/bin/python" --require-hashes --no-build-isolation -r "$LOCK/pi.txt"
    fi
    backend=$(mktemp -d)
    pip_install "$dir/bin/python" --require-hashes --target "$backend" -r "$LOCK/build.txt"
    PYTHONPATH=$backend pip_install "$dir/bin/python" --no-deps --no-build-isolation "$SOURCE"
    rm -rf "$backend"
    run mkdir -p "$dir/share/parking-controller"
    run cp -R "$SOURCE/systemd" "$SOURCE/firmware_config" "$SOURCE/deploy" "$SOURCE/README.md" "$SOURCE/LICENSE" \
        "$dir/share/parking-controller/"
    run touch "$dir/.complete"
}

configure_site() {
    put_once 644 "$SOURCE/deploy/$(basename "$SITE" .toml).example.toml" "$SITE"
}

# The local broker with a password of its own for the controller; it is made here, and never printed.
configure_broker() {
    [ "$broker" = yes ] || return 0
    local made=no passwd=$ROOT/etc/mosquitto/parking.passwd
    put_once 644 "$SOURCE/deploy/mosquitto/parking.conf" /etc/mosquitto/conf.d/parking.conf
    put_once 640 "$SOURCE/deploy/mosquitto/parking.acl" /etc/mosquitto/parking.acl
    if [ ! -e "$ROOT$SECRET" ]; then
        say "  $SECRET (new)"
        made=yes
        if [ "$DRY_RUN" = no ]; then make_password "$passwd"; fi
    fi
    if [ "$DRY_RUN" = no ] && [ -z "$ROOT" ]; then
        chown root:mosquitto "$passwd" /etc/mosquitto/parking.acl
        [ "$made" = no ] || [ "$START" = no ] || systemctl restart mosquitto
    fi
}

make_password() {
    local passwd=$1 password fresh
    command -v mosquitto_passwd >/dev/null || { warn "no mosquitto here: make $SECRET and $passwd by hand"; return; }
    password=$(head -c 24 /dev/urandom | base64 | tr '+/' '-_')
    # Through a file, not the command line: other users can read that.
    fresh=$(mktemp)
    printf '%s:%s\n' "$MQTT_USER" "$password" >"$fresh"
    mosquitto_passwd -U "$fresh"
    install -d -m 755 "$(dirname "$passwd")"
    touch "$passwd"
    { grep -v "^$MQTT_USER:" "$passwd" || true; } >>"$fresh"
    install -m 640 "$fresh" "$passwd"
    rm -f "$fresh"
    install -d -m 700 "$(dirname "$ROOT$SECRET")"
    (umask 077 && printf '%s' "$password" >"$ROOT$SECRET")
}

configure_boot() {
    local config=$ROOT/boot/firmware/config.txt
    [ -e "$config" ] || return 0
    if [ "$boot_config" = no ]; then
        say "Boot configuration is left alone; --boot-config sets it up (SPI, watchdog, safe pins)."
        return
    fi
    put_once 644 "$SOURCE/firmware_config/config.txt.fragment" /boot/firmware/parking.txt
    if ! grep -qx 'include parking.txt' "$config"; then
        say "  /boot/firmware/config.txt: include parking.txt (works after a restart)"
        [ "$DRY_RUN" = yes ] || printf '\n[all]\ninclude parking.txt\n' >>"$config"
    fi
}

# Old versions go, but never what runs, nor what ran before.
remove_old_versions() {
    local dir name count=0
    dir=$(versions_dir)
    [ -d "$dir" ] || return 0
    while IFS= read -r name; do
        count=$((count + 1))
        [ "$count" -gt "$KEEP_VERSIONS" ] || continue
        case $name in "$(version_at current)" | "$(version_at previous)") continue ;; esac
        say "Removing old version $name"
        run rm -rf "${dir:?}/$name"
    done < <(find "$dir" -mindepth 1 -maxdepth 1 -type d -printf '%T@ %f\n' | sort -rn | cut -d' ' -f2-)
}

check_machine
install_packages
version=$(version_name)
dir=$(versions_dir)/$version
build_version "$dir"
say "Configuration"
configure_site
configure_broker
configure_boot
run "$dir/bin/parking-controller" check "$ROOT$SITE" \
    || die "mend $SITE as said above, then run this again; nothing was switched"
switch_to "$version"
run mkdir -p "$ROOT/usr/local/bin"
run ln -sfn /opt/parking-controller/current/bin/parking-controller "$ROOT/usr/local/bin/parking-controller"
remove_old_versions

say "Done: $version.${ROOT:+ (in $ROOT)}"
if [ "$FAR" = yes ]; then
    say "Its file: $SITE    The password of its user at the broker: $SECRET    State: systemctl status parking-sign"
elif [ -z "$ROOT" ] && [ "$START" = yes ]; then
    say "Site file: /etc/parking-controller/site.toml    State: systemctl status 'parking-*'    Page: http://127.0.0.1:8080"
    say "First login: sudo parking-controller access user NAME --role manager"
fi
