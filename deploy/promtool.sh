#!/usr/bin/env bash
# Put promtool at PATH: the one that is installed, else out of Debian's package, without installing the server in it.
# Usage: deploy/promtool.sh PATH
set -euo pipefail

[ $# -eq 1 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }

target=$(realpath -m "$1")
mkdir -p "$(dirname "$target")"
if installed=$(command -v promtool); then
    ln -sf "$installed" "$target"
    exit 0
fi
command -v apt-get >/dev/null || { echo "promtool is missing and there is no apt here: put it on the PATH." >&2; exit 1; }

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
echo "Fetching promtool from Debian"
fetch() { apt-get download --quiet --quiet prometheus; }
# The package lists are often missing or old on a new machine: then fetch them and try once more.
if ! fetch 2>/dev/null; then
    root=(env)
    [ "$(id -u)" = 0 ] || root=(sudo -n)
    "${root[@]}" apt-get update --quiet || { echo "Run once, then try again: sudo apt-get update" >&2; exit 1; }
    fetch
fi
dpkg-deb --fsys-tarfile prometheus_*.deb | tar --extract --to-stdout ./usr/bin/promtool >promtool
chmod +x promtool
mv promtool "$target"
