#!/usr/bin/env bash
# Installs into target/peers what `make bench-peers` measures this bridge against: Flask, gunicorn, FastAPI and DBOS from
# Python's package index, Restate's server from Node's. Takes no time if they are there. Whatever cannot be installed is told,
# and left out of the measurement.
set -euo pipefail
cd "$(dirname "$0")/.."
folder="$PWD/target/peers"
restate="@restatedev/restate-server@1.7.12"
mkdir -p "$folder"
log="$(mktemp)"
trap 'rm -f "$log"' EXIT

# install NAME WANTED COMMAND ...: runs the command unless what is wanted is there.
install() {
  local name="$1" wanted="$2" mark="$folder/.$1"
  shift 2
  if [ "$(cat "$mark" 2>/dev/null || true)" = "$wanted" ]; then return; fi
  rm -rf "${folder:?}/$name"
  echo "installing $wanted ..."
  if "$@" > "$log" 2>&1; then
    printf '%s' "$wanted" > "$mark"
  else
    rm -rf "${folder:?}/$name"
    echo "$wanted could not be installed and is left out:" >&2
    tail -n 5 "$log" >&2
  fi
}

python() {
  python3 -m venv "$folder/python" &&
    "$folder/python/bin/pip" install --quiet --disable-pip-version-check -r benches/peers/requirements.txt
}

npm_package() {
  # Without its scripts, which would report the installation to a counter.
  npm install --prefix "$folder/npm" --no-save --ignore-scripts --no-audit --no-fund "$restate"
}

install python "$(grep -v '^#' benches/peers/requirements.txt | tr '\n' ' ')" python
install npm "$restate" npm_package
