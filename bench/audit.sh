#!/usr/bin/env bash
# Pages of an audit log of a million lines beside those of one of a thousand, on both engines, whatever is asked for.
#
# usage: bench/audit.sh [--lines N] [--engine sqlite|postgres]
#
#   --lines N      length of the long log (default 1000000)
#   --engine NAME  only this engine
#
# PostgreSQL is a server of its own in a temporary folder, with fsync on. Uses loopback only. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

lines=1000000 engines="sqlite postgres"
while [ $# -gt 0 ]; do
  case $1 in
    --lines) lines=$2; shift 2 ;;
    --engine) engines=$2; shift 2 ;;
    -h | --help) sed -n '2,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done

profile=${FAREBOX_BENCH_PROFILE:-release}
cargo build --profile "$profile" --locked --package farebox-audit --example audit-bench
folder_of_profile=$profile
[ "$profile" != dev ] || folder_of_profile=debug
bench=${CARGO_TARGET_DIR:-target}/$folder_of_profile/examples/audit-bench

if [[ $engines == *sqlite* ]]; then
  folder=$(mktemp -d "${TMPDIR:-/tmp}/farebox-audit.XXXXXX")
  trap 'rm -rf "$folder"' EXIT
  echo
  echo "SQLite, synchronous=FULL, $(nproc) cores"
  "$bench" sqlite "$folder" "$lines"
  rm -rf "$folder"
fi
[[ $engines == *postgres* ]] || exit 0

server=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -n 1)
if [ -z "$server" ] || ! [ -x "$server/initdb" ]; then
  echo "SKIPPED: PostgreSQL; initdb is not installed (Debian: apt-get install postgresql)"
  exit 0
fi
as_server() { if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi; }
data=$(mktemp -d "${TMPDIR:-/tmp}/farebox-audit-pg.XXXXXX")
if [ "$(id -u)" = 0 ]; then chown postgres "$data"; fi
port=$((20000 + RANDOM % 12000))
trap 'as_server "$server/pg_ctl" -D "$data/d" stop -m immediate >/dev/null 2>&1 || true; rm -rf "$data"' EXIT
as_server "$server/initdb" -D "$data/d" -A trust -U postgres --locale=C -E UTF8 >/dev/null
as_server "$server/pg_ctl" -D "$data/d" -o "-p $port -k $data -c listen_addresses=127.0.0.1" -l "$data/log" -w start >/dev/null
url=postgres://postgres@127.0.0.1:$port/postgres
echo
echo "PostgreSQL $("$server/postgres" --version | awk '{ print $3 }'), synchronous_commit=on, $(nproc) cores"
"$bench" postgres "$url" "$lines"
sql="SELECT (pg_total_relation_size('audit_line') + pg_total_relation_size('audit_mark')) / (SELECT lines FROM audit_head)"
if [ -x "$server/psql" ]; then
  echo "the tables have $("$server/psql" -h 127.0.0.1 -p "$port" -U postgres -Atc "$sql" postgres) bytes for each line"
fi
