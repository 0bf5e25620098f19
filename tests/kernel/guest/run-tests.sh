# In the guest: run the project's kernel tests with the environment that `make` made. $0 is in the tree.
cd "$(dirname "$0")/../../.."
export PARKING_GUEST=1 HOME=/tmp PYTHONDONTWRITEBYTECODE=1
arguments=$(cat build/guest/arguments 2>/dev/null || true)
# shellcheck disable=SC2086  several words
exec .venv/bin/python -m pytest -p no:cacheprovider -q -s --color=no --timeout=300 tests/kernel $arguments
