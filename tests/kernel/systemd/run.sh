#!/usr/bin/env bash
# Install the product with its own install.sh into a fresh Debian 12, and try the units as shipped: first in a container, which
# has no wires and full speed, then with the same files in the test guest, which has a Pi's wires.
# Usage: tests/kernel/systemd/run.sh FOLDER GUEST [container|guest [PATTERN]]
#   FOLDER is kept: the second time is quick. GUEST has what guest/build.sh made. PATTERN: only promises that match. As root.
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
# shellcheck source=tests/kernel/debian.sh
. "$here/../debian.sh"
folder=$(realpath -m "${1:?a folder}") guest=$(realpath -m "${2:?the guest}") which=${3:-both} only=${4:-} root=$folder/root

"$SOURCE/deploy/need-debian.sh" debootstrap systemd-container
make_debian "$folder" "$(dpkg --print-architecture)"
put_source "$root" tests/kernel tests/sign/sign_chips.py tests/link_client.py
echo "Installing the product in it, and another version over it"
site() { # PIN_FACTORY DRIVER
    sed -e "s/PIN_FACTORY/$1/" -e "s/DRIVER/$2/" "$here/site.toml" \
        | install -D -m 644 /dev/stdin "$root/etc/parking-controller/site.toml"
}
site mock emulator
install -D -m 600 /dev/stdin "$root/etc/credstore/parking-controller.mqtt-password" <<<"a-secret-of-the-test"
options=(--no-broker --hardware yes --no-start)
contain "$root" /source/deploy/install.sh "${options[@]}" || die "install.sh"
echo "Another version." >>"$root/source/README.md"
contain "$root" /source/deploy/upgrade.sh "${options[@]}" || die "upgrade.sh"
for version in "$root"/opt/parking-controller/*/lib/python3*/site-packages; do
    cp "$here/saboteur.py" "$version/parking_saboteur.py"
    echo "import parking_saboteur" >"$version/parking_saboteur.pth"
done

# A service that tries them, where it is to: in a container one file, in the guest another.
try() { # NAME VIRTUALIZATION PYTHON OUTPUT SECONDS
    cat >"$root/etc/systemd/system/parking-$1.service" <<UNIT
[Unit]
Wants=parking-controller.target
ConditionVirtualization=$2
[Service]
Type=oneshot
Environment=PYTHONPATH=/source/tests:/source/tests/kernel LOOK_EVERY_S=$5 "ONLY=$only"
ExecStart=$3 -u /source/tests/kernel/systemd/$1.py
StandardOutput=file:$4
StandardError=inherit
TimeoutStartSec=1500
[Install]
WantedBy=default.target
UNIT
    mkdir -p "$root/etc/systemd/system/default.target.wants"
    ln -sf "../parking-$1.service" "$root/etc/systemd/system/default.target.wants/"
}
try inside container /usr/bin/python3 /report 0.02
try wired '!container' /opt/parking-controller/current/bin/python /dev/ttyS0 0.2
ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
forget() { rm -rf "$root/var/lib/parking-controller" "$root/var/lib/parking-web" "$root/verdict" "$root/report"; }
bad=0

if [ "$which" != guest ]; then
    forget
    echo "Booting it in a container"
    # A container may not even ask about the clock, whatever a unit in it may: let it, for the promise about any-clock.conf.
    timeout 900 systemd-nspawn --quiet --register=no --keep-unit --private-network --system-call-filter=@clock \
        --directory "$root" --boot --console=pipe \
        </dev/null >"$folder/console.log" 2>&1 || true
    cat "$root/report" || { tail -n 20 "$folder/console.log" >&2; die "it did not come so far as to try anything"; }
    [ "$(cat "$root/verdict" 2>/dev/null)" = good ] || bad=1
fi
if [ "$which" != container ]; then
    forget
    site auto max7219
    echo "Booting it in the guest"
    "$here/../guest/boot.sh" "$guest" "$root" "boot=systemd systemd.unit=parking-wired.service" || bad=1
fi
[ "$bad" = 0 ] || die "see above"
