#!/bin/bash
# Run once by the postgres image on an empty volume: the roles and databases that `assay up` makes too.
# What the roles may do inside the database is said by the migrations (`assay migrate`).
set -euo pipefail

psql --set ON_ERROR_STOP=1 --username "$POSTGRES_USER" --dbname postgres \
    --set owner="$ASSAY_OWNER_PASSWORD" --set service="$ASSAY_SERVICE_PASSWORD" \
    --set relay="$ASSAY_RELAY_PASSWORD" --set temporal="$TEMPORAL_PASSWORD" <<'SQL'
CREATE ROLE assay_owner LOGIN NOBYPASSRLS PASSWORD :'owner';
CREATE ROLE assay_service LOGIN NOBYPASSRLS PASSWORD :'service';
CREATE ROLE assay_relay LOGIN NOBYPASSRLS PASSWORD :'relay';
CREATE ROLE temporal LOGIN NOBYPASSRLS PASSWORD :'temporal';
CREATE DATABASE assay OWNER assay_owner;
REVOKE ALL ON DATABASE assay FROM PUBLIC;
GRANT CONNECT ON DATABASE assay TO assay_service, assay_relay;
CREATE DATABASE temporal OWNER temporal;
CREATE DATABASE temporal_visibility OWNER temporal;
SQL
