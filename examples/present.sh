#!/usr/bin/env bash
# Is a picture like this in the collection? present.sh INDEX.tvx PHOTO [SIMILARITY]
# Ends with 0 and says where if so, with 1 if not.
set -euo pipefail
tv search -q "$2" -i "$1" -k 1 --min-score "${3:-0.95}" --format paths
