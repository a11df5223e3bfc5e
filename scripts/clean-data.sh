#!/usr/bin/env bash
# Forgets everything that `assay up` and `assay demo` keep in this clone: databases, objects, logs, keys.
# Built binaries and downloaded tools stay.
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
cd "$root"

[ ! -x .assay/bin/assay ] || [ ! -d .assay/run ] || .assay/bin/assay down || true

for folder in .assay/run .assay/demo .assay/test .assay/bench; do
    [ -d "$folder" ] || continue
    if ! flock -n "$folder/lock" true 2>/dev/null && [ -e "$folder/lock" ]; then
        echo "clean-data: $folder is still in use; stop it first (make down)" >&2
        exit 1
    fi
    # A clone that the postgres user cannot enter keeps its cluster outside; this link names the place.
    if [ -L "$folder/postgres" ]; then
        outside=$(readlink "$folder/postgres")
        case $outside in
            /var/tmp/assay-*) echo "clean-data: removing $outside"; rm -rf -- "$outside" ;;
            *) echo "clean-data: $folder/postgres points at $outside, which Assay did not make; left alone" >&2 ;;
        esac
    fi
    echo "clean-data: removing $folder"
    rm -rf -- "$folder"
done
