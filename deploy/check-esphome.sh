#!/usr/bin/env bash
# Let ESPHome check every node in firmware_config/esphome, with the example secrets, and write its C++ (which no compiler sees).
# Usage: deploy/check-esphome.sh path/to/esphome
set -euo pipefail
esphome=$(realpath "${1:?path to the esphome program}")
cd "$(dirname "$0")/../firmware_config/esphome"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cp secrets.example.yaml "$scratch/secrets.yaml"
cp ./*.h "$scratch/"
for node in *.yaml; do
    [ "$node" = secrets.example.yaml ] && continue
    cp "$node" "$scratch/"
    { "$esphome" config "$scratch/$node" && "$esphome" compile --only-generate "$scratch/$node"; } \
        >"$scratch/out" 2>&1 || { cat "$scratch/out" >&2; exit 1; }
    echo "$node: valid"
done
