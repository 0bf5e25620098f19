#!/usr/bin/env bash
# In the guest: run the project's kernel tests with the environment that `make` made. $0 is in the tree.
cd "$(dirname "$0")/../../.." || exit
# Not /tmp: that is the host's, below the layer in memory, and the tree may lie in it.
export PARKING_GUEST=1 HOME=/run TMPDIR=/run
arguments=$(cat build/guest/arguments 2>/dev/null || true)
# shellcheck disable=SC2086 # several words
exec .venv/bin/python -m pytest -p no:cacheprovider -v -s --durations=0 --durations-min=0.1 --color=no --timeout=300 tests/kernel $arguments
