#!/usr/bin/env bash
# Install the product with its own install.sh into a fresh Debian 12, boot that with systemd, and try its services there.
# Usage: tests/kernel/systemd/run.sh FOLDER PYTHON      FOLDER is kept: the second time is quick. As root.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
source=$(readlink -f "$here/../../..")
folder=$(realpath -m "${1:?a folder}") python=${2:?a Python with pip}
die() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

[ "$(id -u)" = 0 ] || die "needs root: it boots a container"
"$source/deploy/need-debian.sh" debootstrap systemd-container
root=$folder/root
mkdir -p "$folder"
if [ ! -e "$folder/.debian" ]; then
    echo "Making a Debian 12 (a minute)"
    rm -rf "$root"
    debootstrap --variant=minbase --include=systemd,systemd-sysv,dbus,python3,python3-venv bookworm "$root" >"$folder/debootstrap.log" 2>&1 \
        || { tail -n 5 "$folder/debootstrap.log" >&2; die "debootstrap"; }
    touch "$folder/.debian"
fi

echo "Installing the product in it"
for list in run build; do
    "$python" -m pip --disable-pip-version-check download --quiet --require-hashes --only-binary :all: --python-version 3.11 \
        --dest "$folder/wheels" -r "$source/deploy/requirements/$list.txt"
done
rm -rf "$root/source"
mkdir "$root/source"
(cd "$source" && tar --create --exclude=__pycache__ controller deploy firmware_config systemd pyproject.toml README.md LICENSE) \
    | tar --extract --directory "$root/source"
cp "$here/inside.py" "$root/source/"
contain() { systemd-nspawn --quiet --register=no --keep-unit --private-network --directory "$root" --bind-ro="$folder/wheels:/wheels" "$@"; }
install -D -m 644 "$here/site.toml" "$root/etc/parking-controller/site.toml"
install -D -m 600 /dev/stdin "$root/etc/credstore/parking-controller.mqtt-password" <<<"a-secret-of-the-test"
contain --pipe /source/deploy/install.sh --no-broker --hardware no --wheels /wheels --no-start </dev/null \
    || die "install.sh"
cat >"$root/etc/systemd/system/parking-test.service" <<'UNIT'
[Unit]
After=multi-user.target
[Service]
Type=oneshot
ExecStart=/usr/bin/python3 -u /source/inside.py
StandardOutput=file:/report
StandardError=inherit
TimeoutStartSec=300
[Install]
WantedBy=default.target
UNIT
mkdir -p "$root/etc/systemd/system/default.target.wants"
ln -sf ../parking-test.service "$root/etc/systemd/system/default.target.wants/"
rm -rf "$root/var/lib/parking-controller" "$root/verdict" "$root/report"

echo "Booting it"
timeout 400 systemd-nspawn --quiet --register=no --keep-unit --private-network --directory "$root" --boot --console=pipe \
    </dev/null >"$folder/console.log" 2>&1 || true
cat "$root/report" || { tail -n 20 "$folder/console.log" >&2; die "it did not come so far as to try anything"; }
[ "$(cat "$root/verdict" 2>/dev/null)" = good ] || die "see above; the container's log: journalctl -D $root/var/log/journal"
