#!/usr/bin/env bash
# Encode photos in several processes and join what they make: shards.sh PHOTOS OUT.h5 [PROCESSES]
# One process already uses every core: this is for many cores, or as a pattern for many machines.
set -euo pipefail
of=${3:-4}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1
seq "$of" | xargs -P "$of" -I{} tv encode "$1" --shard "{}/$of" -o "$work/part-{}.h5" --quiet
tv merge "$work"/part-*.h5 -o "$2" --quiet
