#!/usr/bin/env bash
# Upgrade to the version in this source tree. The running one stays on the disk for deploy/rollback.sh, and comes back by itself when
# the new one does not keep running. Options are those of install.sh.
# Usage: sudo deploy/upgrade.sh [OPTION...]
set -euo pipefail

here=$(dirname "$(readlink -f "$0")")
tree=
for ((i = 1; i < $#; i++)); do
    if [ "${!i}" = --root ]; then next=$((i + 1)) && tree=${!next}; fi
done
if [ ! -L "$tree/opt/parking-controller/current" ]; then
    echo "FAILED: nothing is installed yet: $here/install.sh does that" >&2
    exit 1
fi
echo "Installed: $(readlink "$tree/opt/parking-controller/current")"
exec "$here/install.sh" "$@"
