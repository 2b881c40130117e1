#!/bin/sh
# Makes the database that POSTGRES_USER, POSTGRES_PASSWORD and POSTGRES_DB name where PGDATA has none yet, and serves it,
# as the upstream image does.
set -eu
if [ ! -s "$PGDATA/made" ]; then
  rm -rf "$PGDATA"
  printf %s "$POSTGRES_PASSWORD" > /tmp/password
  initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
  rm /tmp/password
  echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
  echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA" postgres
  date > "$PGDATA/made"
fi
exec postgres -D "$PGDATA" -c listen_addresses='*'
