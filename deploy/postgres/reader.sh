#!/bin/sh
# Make a login for reports, which may do what orders_reader may and only reads. Run it again at any time.
#
#   reader.sh NAME FILE    NAME: of the login. FILE: holds its password; where there is none, one is made
#
# Connects as libpq's variables say (PGHOST, PGUSER, PGPASSWORD, PGDATABASE), to a database that orders-sync has migrated, as
# a role that may create roles.
set -eu
name=$1 file=$2
if [ ! -s "$file" ]; then
    od -An -tx1 -N24 /dev/urandom | tr -d ' \n' >"$file.new"
    mv "$file.new" "$file"
fi
READER_PASSWORD=$(cat "$file")
export READER_PASSWORD
psql -X -q -v ON_ERROR_STOP=1 -v name="$name" <<'SQL'
SET client_min_messages = warning;
\getenv password READER_PASSWORD
SELECT format('CREATE ROLE %I', :'name') WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'name') \gexec
BEGIN;
ALTER ROLE :"name" LOGIN PASSWORD :'password' CONNECTION LIMIT 20;
ALTER ROLE :"name" SET default_transaction_read_only = on;
ALTER ROLE :"name" SET statement_timeout = '60s';
GRANT orders_reader TO :"name";
COMMIT;
SQL
