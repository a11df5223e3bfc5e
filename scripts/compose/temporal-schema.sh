#!/bin/bash
# Brings both of Temporal's databases to the server's version; a repeat finds nothing to do.
set -euo pipefail

apply() {
    local tool=(temporal-sql-tool --plugin postgres12 --endpoint postgres --port 5432 --user temporal --database "$1")
    "${tool[@]}" setup-schema -v 0.0
    "${tool[@]}" update-schema -s "postgresql/v12/$2"
}

# The password comes by SQL_PASSWORD.
apply temporal temporal
apply temporal_visibility visibility
