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
. bench/postgres

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

trap 'postgres_stop; rm -rf "$folder"' EXIT
postgres_start pgbench || exit 0

pgbench() { # pgbench MODE: transactions per second with 16 clients
  as_server "$server/pgbench" -h 127.0.0.1 -p "$port" -U postgres -M "$1" -c 16 -j 2 -T "$seconds" postgres 2>/dev/null |
    awk '/^tps/ { printf "%d", $3 }'
}
as_server "$server/pgbench" -h 127.0.0.1 -p "$port" -U postgres -i -s 16 postgres >/dev/null 2>&1
echo "pgbench TPC-B, 16 clients, scale 16: $(pgbench simple) transactions/s, $(pgbench prepared) with prepared statements"
"$bench" postgres "$url" "$seconds"
echo "pgbench again: $(pgbench simple) transactions/s, $(pgbench prepared) with prepared statements"
