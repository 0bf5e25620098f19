#!/usr/bin/env bash
# Install Debian packages that are missing, or say the one command that does.
# Usage: deploy/need-debian.sh PACKAGE...      exit 0: all there now; exit 1: a person has to install them
set -euo pipefail

[ $# -gt 0 ] || { sed -n '2,3s/^# //p' "$0" >&2; exit 2; }

missing=()
for package in "$@"; do
    status=$(dpkg-query --show --showformat='${db:Status-Status}' "$package" 2>/dev/null) || status=none
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
if ! command -v apt-get >/dev/null; then
    echo "Missing: ${missing[*]} (Debian's names). This system has no apt: install what these are called here." >&2
    exit 1
fi
if [ "$(id -u)" = 0 ]; then
    root=(env)
elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    root=(sudo -n env)
else
    echo "Missing: ${missing[*]}. Installing them needs root; run once, then try again:" >&2
    echo "    sudo sh -c '$by_hand'" >&2
    exit 1
fi

install() { "${root[@]}" DEBIAN_FRONTEND=noninteractive apt-get install --quiet --yes --no-install-recommends "${missing[@]}"; }

echo "Installing from Debian: ${missing[*]}"
# The package lists are often missing or old on a new machine: then fetch them and try once more.
if ! install >/dev/null 2>&1; then
    "${root[@]}" apt-get update --quiet
    install
fi
