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
. bench/postgres

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

trap postgres_stop EXIT
postgres_start || exit 0
"$bench" postgres "$url" "$lines"
sql="SELECT (pg_total_relation_size('audit_line') + pg_total_relation_size('audit_mark')) / (SELECT lines FROM audit_head)"
if [ -x "$server/psql" ]; then
  echo "the tables have $("$server/psql" -h 127.0.0.1 -p "$port" -U postgres -Atc "$sql" postgres) bytes for each line"
fi
