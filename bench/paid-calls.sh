#!/usr/bin/env bash
# Paid calls per second and added latency, beside nginx as a plain reverse proxy to the same upstream, in one run.
#
# usage: bench/paid-calls.sh [--seconds N] [--connections "1 16 64 256"] [--relaxed] [--profile dist] [--keep]
#
#   --seconds N       length of each measurement (default 5)
#   --connections L   numbers of open connections to measure (default "1 16 64 256")
#   --relaxed         replies leave before their commit (calls.durability = "relaxed")
#   --profile NAME    the build that is measured: release (default), or dist as installations have it
#   --keep            leave the folder with logs, configuration and database behind
#
# Needs curl, nginx and wrk; as root with apt-get it installs the last two. Uses loopback only. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=5 connections="1 16 64 256" keep= durability=full profile=release
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=$2; shift 2 ;;
    --connections) connections=$2; shift 2 ;;
    --keep) keep=yes; shift ;;
    --relaxed) durability=relaxed; shift ;;
    --profile) profile=$2; shift 2 ;;
    -h | --help) sed -n '2,12s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done

need() { # need PROGRAM PACKAGE
  command -v "$1" >/dev/null 2>&1 && return
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null 2>&1; then
    { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$2"; } >/dev/null 2>&1 || true
  fi
  command -v "$1" >/dev/null 2>&1 || { echo "missing: $1 (Debian package $2)" >&2; exit 1; }
}
need curl curl
need nginx nginx-light
need wrk wrk

cargo build --profile "$profile" --locked --package farebox
cargo build --release --locked --package farebox-ledger --example bench
farebox=${CARGO_TARGET_DIR:-target}/$profile/farebox
commit_bench=${CARGO_TARGET_DIR:-target}/release/examples/bench

folder=$(mktemp -d "${TMPDIR:-/tmp}/farebox-bench.XXXXXX")
pids=()
stop() { # stop PID: ends a process that this script started, and waits for it
  kill "$1" 2>/dev/null || return 0
  wait "$1" 2>/dev/null || true
}
cleanup() {
  for pid in "${pids[@]}"; do stop "$pid"; done
  if [ -n "$keep" ]; then echo "left behind: $folder"; else rm -rf "$folder"; fi
}
trap cleanup EXIT

free_port() {
  local port
  for _ in $(seq 50); do
    port=$((20000 + RANDOM % 12000))
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null || { echo "$port"; return; }
  done
  return 1
}
upstream_port=$(free_port) nginx_port=$(free_port) farebox_port=$(free_port)

wait_for() { # wait_for URL: until it answers, at most ten seconds
  for _ in $(seq 200); do
    curl -fsS -o /dev/null "$1" 2>/dev/null && return
    sleep 0.05
  done
  echo "no answer from $1; the end of the logs in $folder:" >&2
  tail -n 5 "$folder"/*.log >&2
  exit 1
}

nginx_start() { # nginx_start NAME CONFIGURATION_OF_HTTP
  cat >"$folder/$1.conf" <<CONF
daemon off;
worker_processes auto;
pid $folder/$1.pid;
error_log $folder/$1.log warn;
events { worker_connections 4096; }
http {
  access_log off;
  default_type application/json;
  keepalive_requests 100000000;
  client_body_temp_path $folder/$1-body; proxy_temp_path $folder/$1-proxy; fastcgi_temp_path $folder/$1-f;
  uwsgi_temp_path $folder/$1-u; scgi_temp_path $folder/$1-s;
  $2
}
CONF
  nginx -c "$folder/$1.conf" -e "$folder/$1.log" &
  pids+=($!)
}

nginx_start upstream "
  server { listen 127.0.0.1:$upstream_port backlog=4096; location / { return 200 '{\"city\":\"Lisbon\",\"celsius\":21}'; } }"
nginx_start proxy "
  upstream seller { server 127.0.0.1:$upstream_port; keepalive 256; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:$nginx_port backlog=4096;
    location / { proxy_pass http://seller; proxy_http_version 1.1; proxy_set_header Connection ''; }
  }"
wait_for "http://127.0.0.1:$upstream_port/now"
wait_for "http://127.0.0.1:$nginx_port/now"

farebox_url=http://127.0.0.1:$farebox_port
serve() {
  FAREBOX_NET_ALLOW="127.0.0.1:$upstream_port" FAREBOX_LOG=warn FAREBOX_CALLS_DURABILITY=$durability \
    "$farebox" serve --data-dir "$folder/data" --listen "127.0.0.1:$farebox_port" >"$folder/farebox.log" 2>&1 &
  farebox_pid=$!
  pids+=("$farebox_pid")
  wait_for "$farebox_url/health"
}
field() { sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p" | head -n 1; } # the first field of that name in a JSON reply
api() { # api METHOD PATH KEY BODY
  local reply
  reply=$(curl -sS -X "$1" "$farebox_url$2" -H 'Content-Type: application/json' ${3:+-H "Authorization: Bearer $3"} -d "$4" \
    -w '\n%{http_code}')
  case ${reply##*$'\n'} in 2*) echo "${reply%$'\n'*}" ;; *) echo "$1 $2: $reply" >&2; return 1 ;; esac
}

# The ledger is credited while the server is down: an embedded database belongs to one process at a time.
serve
seller=$(api POST /auth/agent '' '{"name":"bench-seller"}' | field api_key)
account=$(api POST /auth/agent '' '{"name":"bench-buyer"}')
buyer=$(field api_key <<<"$account")
buyer_party=$(field organization_id <<<"$account")
api POST /organizations/default/publishers "$seller" "{\"name\":\"Bench weather\",\"slug\":\"bench-weather\",
  \"publisher_category\":\"integration\",\"integration_type\":\"api\",\"api_url\":\"http://127.0.0.1:$upstream_port\",
  \"price_per_call\":\"0.0001\",\"wallet_address\":\"0x00000000000000000000000000000000000000b1\",
  \"wallet_network_id\":\"eip155:8453\"}" >/dev/null
stop "$farebox_pid"
"$farebox" admin credit --data-dir "$folder/data" --owner "$buyer_party" --amount 100000.00 --memo "bench" >>"$folder/admin.log"
serve

cpu_stolen() { # ticks that the host of a virtual machine has taken, and all ticks
  awk '/^cpu / { all = 0; for (i = 2; i <= 9; i++) all += $i; print $9, all }' /proc/stat 2>/dev/null || echo 0 0
}

measure() { # measure CONNECTIONS URL [HEADER]: calls per second and median latency in µs
  local threads=2 out
  if [ "$1" -lt 2 ]; then threads=1; fi
  wrk -t$threads -c"$1" -d1s ${3:+-H "$3"} "$2" >/dev/null
  out=$(wrk -t$threads -c"$1" -d"${seconds}s" --latency ${3:+-H "$3"} "$2")
  if grep -qE 'Non-2xx|Socket errors' <<<"$out"; then echo "$out" >&2; exit 1; fi
  awk '/Requests\/sec/ { rate = $2 } $1 == "50%" { at = $2; sub(/[a-z]+$/, "", at)
    if ($2 ~ /us$/) f = 1; else if ($2 ~ /ms$/) f = 1000; else f = 1000000; median = at * f }
    END { printf "%d %d\n", rate, median }' <<<"$out"
}

path=/now
key="Authorization: Bearer $buyer"
{
  echo
  echo "paid calls beside nginx: $(nproc) cores, $(nginx -v 2>&1 | sed 's/.*: //'), ${seconds} s each, load generator on the same machine, durability $durability, profile $profile"
  mkdir "$folder/commit"
  "$commit_bench" commit "$folder/commit"
  echo
  printf '%11s | %10s %9s | %10s %9s | %10s %9s | %7s %9s\n' "" "direct" "" "nginx" "" "farebox" "" "farebox" "added"
  printf '%11s | %10s %9s | %10s %9s | %10s %9s | %7s %9s\n' connections calls/s median calls/s median calls/s median /nginx median
} | tee "$folder/table.txt"
read -r stolen all < <(cpu_stolen)
for count in $connections; do
  read -r direct_rate direct_median < <(measure "$count" "http://127.0.0.1:$upstream_port$path")
  read -r nginx_rate nginx_median < <(measure "$count" "http://127.0.0.1:$nginx_port$path")
  read -r paid_rate paid_median < <(measure "$count" "$farebox_url/publishers/bench-weather$path" "$key")
  awk -v c="$count" -v dr="$direct_rate" -v dm="$direct_median" -v nr="$nginx_rate" -v nm="$nginx_median" \
    -v pr="$paid_rate" -v pm="$paid_median" 'BEGIN {
      printf "%11d | %10d %6.2f ms | %10d %6.2f ms | %10d %6.2f ms | %7.2f %6.2f ms\n",
        c, dr, dm / 1000, nr, nm / 1000, pr, pm / 1000, pr / nr, (pm - nm) / 1000 }' | tee -a "$folder/table.txt"
done

echo
read -r stolen_after all_after < <(cpu_stolen)
awk -v stolen=$((stolen_after - stolen)) -v all=$((all_after - all)) 'BEGIN {
  if (all > 0) printf "taken from this machine by its host meanwhile: %.0f %% of the CPU\n", 100 * stolen / all }'
peak_kib=$(awk '/^VmHWM/ { print $2 }' "/proc/$farebox_pid/status")
echo "peak memory of farebox: $((peak_kib / 1024)) MiB"
stop "$farebox_pid"
"$farebox" check-ledger --data-dir "$folder/data"
