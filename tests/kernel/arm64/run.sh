#!/usr/bin/env bash
# Install the product with its own install.sh into an arm64 Debian 12, as on a Pi's 64-bit system, and run the tests from pin
# to pixels there. On another processor everything in it is emulated (qemu-user).
# Usage: tests/kernel/arm64/run.sh FOLDER [PYTEST ARGUMENT...]      FOLDER is kept: the second time is quicker. As root.
set -euo pipefail

# shellcheck source=tests/kernel/debian.sh
. "$(dirname "$(readlink -f "$0")")/../debian.sh"
folder=$(realpath -m "${1:?a folder}") root=$folder/root
shift
"$SOURCE/deploy/need-debian.sh" debootstrap systemd-container
if [ "$(uname -m)" != aarch64 ]; then
    "$SOURCE/deploy/need-debian.sh" qemu-user-static binfmt-support
    binfmt=/proc/sys/fs/binfmt_misc
    [ -e $binfmt/register ] || mount -t binfmt_misc none $binfmt
    [ -e $binfmt/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
fi
# The tests need a broker; pytest and what it needs are beside the product, not in its environment.
make_debian "$folder" arm64 mosquitto,procps
put_source "$root" tests
echo "Installing the product in it"
contain "$root" /source/deploy/install.sh --no-broker --hardware yes --no-start || die "install.sh"
cat >"$root/source/try.sh" <<'TRY'
set -e
python=/opt/parking-controller/current/bin/python
[ -e /beside/.done ] || { $python -m pip install --quiet --no-input --require-hashes --target /beside -r /source/deploy/requirements/test.txt; touch /beside/.done; }
export PYTHONPATH=/beside PARKING_PATIENCE=10 LG_WD=/tmp
cd /source
$python - <<'PYTHON'
import platform

import gpiozero, lgpio, luma.led_matrix.device, numpy, PIL, pydantic_core, rpi_ws281x, spidev

print(f"{platform.machine()}, Python {platform.python_version()}: every library for a Pi's pins and panels can be loaded")
PYTHON
exec $python -m pytest -q -p no:cacheprovider --timeout=600 "$@"
TRY
echo "Trying it"
contain "$root" /bin/bash /source/try.sh "${@:-tests/test_pin_to_pixels.py}"
