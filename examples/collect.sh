#!/usr/bin/env bash
# Copy the ten photos most similar to one into a folder: collect.sh INDEX.tvx QUERY FOLDER
# Paths travel separated by NUL, so any name is fine.
set -euo pipefail
mkdir -p "$3"
tv search "$2" -i "$1" -k 10 --format paths -0 | xargs -0 cp -t "$3" --
