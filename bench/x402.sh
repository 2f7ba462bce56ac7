#!/usr/bin/env bash
# Payments on chain: verifications per second without a chain, settlements per second on anvil with a block for each
# transaction and with a block each second, calls paid by voucher beside calls from a balance.
#
# usage: bench/x402.sh [--no-chain]
#
#   --no-chain   verifications only
#
# Settlements need anvil: the one that FAREBOX_ANVIL names, the one on the path, or npm's @foundry-rs/anvil, which is
# fetched into the target folder. Uses loopback only besides. See bench/README.md.
set -euo pipefail
cd "$(dirname "$0")/.."

chain=yes
while [ $# -gt 0 ]; do
  case $1 in
    --no-chain) chain=; shift ;;
    -h | --help) sed -n '2,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    *) echo "unknown option $1" >&2; exit 2 ;;
  esac
done

target=${CARGO_TARGET_DIR:-target}

example() { # example PACKAGE NAME: builds it and runs it
  cargo build --release --locked --package "$1" --example "$2"
  "$target/release/examples/$2"
}

find_anvil() { # prints where anvil is, fetching it where npm can
  if [ -n "${FAREBOX_ANVIL:-}" ] && [ -x "$FAREBOX_ANVIL" ]; then
    echo "$FAREBOX_ANVIL"
    return
  fi
  command -v anvil && return
  local npm=$target/npm arch=amd64 found
  [ "$(uname -m)" = x86_64 ] || arch=arm64
  found=$npm/node_modules/@foundry-rs/anvil-linux-$arch/bin/anvil
  if ! [ -x "$found" ] && command -v npm >/dev/null 2>&1; then
    mkdir -p "$npm"
    npm install --no-audit --no-fund --ignore-scripts --prefix "$npm" @foundry-rs/anvil@1.7.1 >/dev/null 2>&1 || true
  fi
  if [ -x "$found" ]; then realpath "$found"; fi
}

echo "x402: $(nproc) cores"
echo
echo "verifications, without a chain"
example farebox-x402 verify

[ -n "$chain" ] || exit 0
echo
echo "settlements, one gas wallet"
anvil=$(find_anvil || true)
if [ -z "$anvil" ]; then
  echo "SKIPPED: settlements; anvil is neither installed nor to be had from npm"
  exit 0
fi
FAREBOX_ANVIL=$anvil example farebox-x402 settles

echo
echo "calls on vouchers, beside prepaid calls"
FAREBOX_ANVIL=$anvil example farebox vouchers
