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
make_debian "$folder" "$(dpkg --print-architecture)" mosquitto
put_source "$root" tests/kernel tests/sign/sign_chips.py tests/sign/fake_hub75 tests/link_client.py
echo "Installing an older version of the product in it, this one, and one that is broken"
site() { # PIN_FACTORY DRIVER
    sed -e "s/PIN_FACTORY/$1/" -e "s/DRIVER/$2/" "$here/site.toml" \
        | install -D -m 644 /dev/stdin "$root/etc/parking-controller/site.toml"
}
site mock emulator
options=(--hardware yes --no-start)
versions=$root/opt/parking-controller
for other in older broken; do
    rm -rf "${root:?}/$other"
    cp -R "$root/source" "$root/$other"
done
echo "An older version." >>"$root/older/README.md"
echo 'raise SystemExit("this version is broken")' >>"$root/broken/controller/count.py"
contain "$root" /older/deploy/install.sh "${options[@]}" || die "install.sh"
old=$(readlink "$versions/current")
contain "$root" /source/deploy/upgrade.sh "${options[@]}" || die "upgrade.sh"
contain "$root" /broken/deploy/upgrade.sh "${options[@]}" || die "upgrade.sh"
# The sign's own user at the broker. Its password is the controller's: here both are one machine, with one credential.
# shellcheck disable=SC2016 # it is expanded in there
contain "$root" /bin/sh -c 'mosquitto_passwd -b /etc/mosquitto/parking.passwd sign-gate \
    "$(cat /etc/credstore/parking-controller.mqtt-password)" && chown root:mosquitto /etc/mosquitto/parking.passwd' || die "mosquitto_passwd"
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
TimeoutStartSec=2400
[Install]
WantedBy=default.target
UNIT
    mkdir -p "$root/etc/systemd/system/default.target.wants"
    ln -sf "../parking-$1.service" "$root/etc/systemd/system/default.target.wants/"
}
try inside container /usr/bin/python3 /report 0.02
try wired '!container' /opt/parking-controller/current/bin/python /dev/ttyS0 0.2
ln -sf /dev/null "$root/etc/systemd/system/serial-getty@ttyS0.service"
forget() {
    ln -sfn "$old" "$versions/current"
    rm -rf "$root/var/lib/parking-controller" "$root/var/lib/parking-web" "$root/verdict" "$root/report"
}
bad=0

if [ "$which" != guest ]; then
    forget
    echo "Booting it in a container"
    # A container may not even ask about the clock, whatever a unit in it may: let it, for the promise about any-clock.conf.
    timeout 1200 systemd-nspawn --quiet --register=no --keep-unit --private-network --system-call-filter=@clock \
        --directory "$root" --boot --console=pipe \
        </dev/null >"$folder/console.log" 2>&1 || true
    cat "$root/report" || { tail -n 20 "$folder/console.log" >&2; die "it did not come so far as to try anything"; }
    [ "$(cat "$root/verdict" 2>/dev/null)" = good ] || bad=1
fi
if [ "$which" != container ]; then
    forget
    site auto max7219
    echo "Booting it in the guest"
    "$here/../guest/boot.sh" "$guest" "$root" "boot=systemd systemd.unit=parking-wired.service systemd.mask=mosquitto.service" || bad=1
fi
[ "$bad" = 0 ] || die "see above"
