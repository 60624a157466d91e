#!/usr/bin/env bash
# Encode once, index with each pooling, and print the first hit of each: backbones.sh PHOTOS QUERY
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tv encode "$1" -o "$work/maps.h5" --quiet
for pool in mean gem spatial; do
    tv index "$work/maps.h5" -o "$work/$pool.tvx" --pool "$pool" --quiet
    printf '%s\t' "$pool"
    tv search "$2" -i "$work/$pool.tvx" -k 1 --format paths
done
