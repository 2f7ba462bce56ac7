#!/usr/bin/env bash
# Durable transfers per second of the ledger on both engines, beside pgbench's TPC-B on the same PostgreSQL and beside
# plain rows in the same SQLite, in one run.
#
# usage: bench/ledger.sh [--seconds N]
#
#   --seconds N   length of each measurement (default 3)
#
# PostgreSQL is a server of its own in a temporary folder, with fsync on. Uses loopback only. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=3
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done

cargo build --release --locked --package farebox-ledger --example bench
bench=${CARGO_TARGET_DIR:-target}/release/examples/bench

folder=$(mktemp -d "${TMPDIR:-/tmp}/farebox-ledger.XXXXXX")
trap 'rm -rf "$folder"' EXIT

echo
echo "ledger: $(nproc) cores, ${seconds} s each"
echo
echo "SQLite, synchronous=FULL"
"$bench" sqlite "$folder" "$seconds"

server=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -z "$server" ] || ! [ -x "$server/pgbench" ]; then
  echo "SKIPPED: PostgreSQL; initdb and pgbench are not installed (Debian: apt-get install postgresql)"
  exit 0
fi
as_server() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
data=$(mktemp -d "${TMPDIR:-/tmp}/farebox-ledger-pg.XXXXXX")
if [ "$(id -u)" = 0 ]; then chown postgres "$data"; fi
port=$((20000 + RANDOM % 12000))
trap 'as_server "$server/pg_ctl" -D "$data/d" stop -m immediate >/dev/null 2>&1 || true; rm -rf "$folder" "$data"' EXIT
as_server "$server/initdb" -D "$data/d" -A trust -U postgres --locale=C -E UTF8 >/dev/null
as_server "$server/pg_ctl" -D "$data/d" -o "-p $port -k $data -c listen_addresses=127.0.0.1" -l "$data/log" -w start >/dev/null
url=postgres://postgres@127.0.0.1:$port/postgres

pgbench() { # pgbench MODE: transactions per second with 16 clients
  as_server "$server/pgbench" -h 127.0.0.1 -p "$port" -U postgres -M "$1" -c 16 -j 2 -T "$seconds" postgres 2>/dev/null |
    awk '/^tps/ { printf "%d", $3 }'
}
echo
echo "PostgreSQL $("$server/postgres" --version | awk '{ print $3 }'), synchronous_commit=on"
as_server "$server/pgbench" -h 127.0.0.1 -p "$port" -U postgres -i -s 16 postgres >/dev/null 2>&1
echo "pgbench TPC-B, 16 clients, scale 16: $(pgbench simple) transactions/s, $(pgbench prepared) with prepared statements"
"$bench" postgres "$url" "$seconds"
echo "pgbench again: $(pgbench simple) transactions/s, $(pgbench prepared) with prepared statements"
