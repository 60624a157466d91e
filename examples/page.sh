#!/usr/bin/env bash
# A page of hits: page.sh PHOTOS PAGE.html QUERY...
set -euo pipefail
photos=$1 page=$2
shift 2
tv index "$photos" -o "$page.tvx" --quiet
tv search "$@" -i "$page.tvx" -k 8 --format html > "$page"
