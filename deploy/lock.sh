#!/usr/bin/env bash
# Write the lock: deploy/requirements/*.txt, exact versions with the hashes of every wheel, for each platform and Python >= 3.11.
# One resolution of everything first, so that the files agree with one another; then each file is cut from it.
# Usage: UV=path/to/uv deploy/lock.sh      (make lock does it)
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-uv}
out=deploy/requirements
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

# What builds the product itself: [build-system] of pyproject.toml, and what hatchling adds for an editable install.
printf '%s\n' 'hatchling>=1.27' 'editables>=0.5' >"$scratch/build.in"

compile() {
    "$uv" pip compile --quiet --universal --python-version 3.11 --no-annotate --no-emit-index-url \
        --no-emit-find-links "$@"
}

compile --no-header pyproject.toml "$scratch/build.in" --extra demo --extra pi \
    --group pyproject.toml:test --group pyproject.toml:check --group pyproject.toml:accuracy --group pyproject.toml:axe \
    --output-file "$scratch/all.txt"

cut() { # NAME INPUTS...
    local name=$1
    shift
    {
        echo "# Made by \`make lock\`: don't edit. Versions are the same in all files of this folder."
        compile --no-header --generate-hashes --constraint "$scratch/all.txt" "$@"
    } >"$scratch/$name.txt"
    if grep -nE '://|--(extra-)?index-url|--find-links' "$scratch/$name.txt"; then
        echo "$name.txt names an index or an address; nothing was changed." >&2
        exit 1
    fi
}

cut build "$scratch/build.in"
cut run pyproject.toml
cut demo pyproject.toml --extra demo
cut pi pyproject.toml --extra pi
cut test --group pyproject.toml:test
cut check --group pyproject.toml:check
cut accuracy --group pyproject.toml:accuracy
cut axe --no-deps --group pyproject.toml:axe

for name in build run demo pi test check accuracy axe; do
    cp "$scratch/$name.txt" "$out/$name.txt"
    echo "$out/$name.txt: $(grep -c '==' "$out/$name.txt") packages"
done
