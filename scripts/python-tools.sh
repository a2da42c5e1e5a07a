#!/usr/bin/env bash
# Makes the virtual environment of the tests' Python tools in target/tools/python, once for each requirements.txt.
# Prints nothing unless it fails. Prints its folder with --print.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$PWD/target/tools/python"
mark="$folder/.installed"
wanted="$(cksum < scripts/requirements.txt)"
mkdir -p target/tools
# Two tests may ask at the same time: one installs, the other waits.
exec 9> target/tools/python.lock
flock 9
if [ "$(cat "$mark" 2>/dev/null || true)" != "$wanted" ]; then
  rm -rf "$folder"
  log="$(mktemp)"
  if ! { python3 -m venv "$folder" && "$folder/bin/pip" install --quiet --disable-pip-version-check -r scripts/requirements.txt; } > "$log" 2>&1; then
    echo "The Python tools of the tests could not be installed (python3 with venv, and a reachable package index, are needed):" >&2
    cat "$log" >&2
    exit 1
  fi
  rm -f "$log"
  printf '%s' "$wanted" > "$mark"
fi
if [ "${1:-}" = "--print" ]; then echo "$folder"; fi
