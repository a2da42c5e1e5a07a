#!/usr/bin/env bash
# Puts axe-core, which looks for what keeps people out of a page, into target/tools/browser, once for each version.
# Prints nothing unless it fails. Prints the script's file with --print.
set -euo pipefail
cd "$(dirname "$0")/.."
axe="axe-core@4.14.1"
folder="$PWD/target/tools/browser"
mark="$folder/.installed"
mkdir -p "$folder"
# Two tests may ask at the same time: one installs, the other waits.
exec 9> target/tools/browser.lock
flock 9
if [ "$(cat "$mark" 2>/dev/null || true)" != "$axe" ]; then
  log="$(mktemp)"
  if ! npm install --prefix "$folder" --no-save --ignore-scripts --no-audit --no-fund "$axe" > "$log" 2>&1; then
    echo "axe-core could not be installed (npm and a reachable package index are needed):" >&2
    cat "$log" >&2
    exit 1
  fi
  rm -f "$log"
  printf '%s' "$axe" > "$mark"
fi
if [ "${1:-}" = "--print" ]; then echo "$folder/node_modules/axe-core/axe.min.js"; fi
